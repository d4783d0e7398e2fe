// Package redisurl opens the Redis that a URL names, be it a server, the master
// that Sentinels watch, or a Cluster.
//
//	redis://user:password@host:6379/0                   a server; the user is an ACL user
//	unix:///run/redis.sock?db=1                         the same, over a socket
//	redis://host:6379?cluster=true&addr=host2:6379      a Cluster, and another of its nodes
//	redis://host:26379?master_name=main&addr=host2:26379&username=user&password=secret
//	                                                    a master by name; the user in front of
//	                                                    the host is the Sentinels' own
//
// Schemes ignore case, as in every URL. rediss:// is any of them over TLS 1.2 or later. ca_file is a PEM file of who
// may sign the servers' certificates (the system's authorities if absent),
// cert_file and key_file are the client's own, and server_name is what the
// servers' certificates say if that is not the host. Whatever else go-redis
// takes in a URL works too, such as pool_size.
package redisurl

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

var errURL = errors.New("not the URL of a Redis; write redis://user:password@host:6379/0, rediss:// for TLS, or unix://")

// Open makes a client without connecting. A call's deadline bounds everything
// the client does: nothing is retried, which would only use the deadline up.
// Errors do not show the URL, which may hold a password.
func Open(raw string) (redis.UniversalClient, error) { return open(raw, 0) }

// open is Open with a bound on how long it takes to connect, go-redis' where it is zero.
func open(raw string, dialTimeout time.Duration) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errURL
	}
	query := u.Query()
	if err = checkPorts(u.Port(), query["addr"]); err != nil {
		return nil, err
	}
	security, err := takeTLS(u.Scheme, u.Hostname(), query)
	if err != nil {
		return nil, err
	}
	cluster, err := takeBool(query, "cluster")
	if err != nil {
		return nil, err
	}
	sentinels := query.Has("master_name")
	u.RawQuery = query.Encode()
	switch {
	case cluster && sentinels:
		return nil, errors.New("cluster and master_name exclude each other; a Cluster needs no Sentinels")
	case cluster:
		return openCluster(u.String(), security, dialTimeout)
	case sentinels:
		return openMaster(u.String(), security, dialTimeout)
	}
	return openServer(u.String(), security, dialTimeout)
}

// checkPorts refuses what go-redis would dial again and again.
func checkPorts(port string, addrs []string) error {
	if err := checkPort(port); err != nil {
		return err
	}
	for _, addr := range addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return errURL
		}
		if err = checkPort(port); err != nil {
			return fmt.Errorf("addr: %w", err)
		}
	}
	return nil
}

// checkPort takes the empty port, which stands for the default one.
func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return fmt.Errorf("port %s is out of range; write 1 to 65535", port)
	}
	return nil
}

func openServer(text string, security *tls.Config, dialTimeout time.Duration) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, errURL
	}
	o.TLSConfig, o.Dialer = security, dial(security)
	o.DialTimeout = cmp.Or(dialTimeout, o.DialTimeout)
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	// RESP2 and no CLIENT commands: one exchange less to make a connection.
	o.Protocol, o.DisableIdentity, o.MaintNotificationsConfig = 2, true, unannounced()
	return redis.NewClient(o), nil
}

func openCluster(text string, security *tls.Config, dialTimeout time.Duration) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, errURL
	}
	o.TLSConfig, o.Dialer = security, dial(security)
	o.DialTimeout = cmp.Or(dialTimeout, o.DialTimeout)
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	o.Protocol, o.DisableIdentity, o.MaintNotificationsConfig = 2, true, unannounced()
	return redis.NewClusterClient(o), nil
}

func openMaster(text string, security *tls.Config, dialTimeout time.Duration) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, errURL
	}
	o.TLSConfig, o.Dialer = security, dial(security)
	o.DialTimeout = cmp.Or(dialTimeout, o.DialTimeout)
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	o.Protocol, o.DisableIdentity = 2, true
	return redis.NewFailoverClient(o), nil
}

func unannounced() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// takeTLS removes the parameters of TLS from the query and makes a config of
// them, nil where there is to be no TLS.
func takeTLS(scheme, host string, query url.Values) (*tls.Config, error) {
	ca, cert, key := take(query, "ca_file"), take(query, "cert_file"), take(query, "key_file")
	name := take(query, "server_name")
	skip, err := takeBool(query, "skip_verify")
	switch {
	case err != nil:
		return nil, err
	case scheme != "rediss" && (ca+cert+key+name != "" || skip):
		return nil, errors.New("ca_file, cert_file, key_file, server_name and skip_verify are for TLS; write rediss://")
	case scheme != "rediss":
		return nil, nil
	case (cert == "") != (key == ""):
		return nil, errors.New("cert_file and key_file belong together; write both or none")
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: skip}
	if name != "" {
		c.ServerName = name
	}
	return c, errors.Join(trust(c, ca), identify(c, cert, key))
}

func trust(c *tls.Config, file string) error {
	if file == "" {
		return nil
	}
	pool, err := pemfile.Pool(file)
	if err != nil {
		return fmt.Errorf("read ca_file: %w; write PEM", err)
	}
	c.RootCAs = pool
	return nil
}

func identify(c *tls.Config, cert, key string) error {
	if cert == "" {
		return nil
	}
	pair, err := pemfile.Pair(cert, key)
	if err != nil {
		return fmt.Errorf("load cert_file and key_file: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}

func take(query url.Values, name string) string {
	value := query.Get(name)
	query.Del(name)
	return value
}

func takeBool(query url.Values, name string) (bool, error) {
	text := take(query, name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s=%q is neither true nor false; write one of them", name, text)
	}
	return value, nil
}
