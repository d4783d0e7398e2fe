// Package kongadmin puts a declarative config on nodes of Kong without a database, by
// their Admin APIs, and says what each of them runs.
package kongadmin

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

// TLS names the PEM files of connections to https Admin APIs, each empty where there is
// none.
type TLS struct {
	// CA has the certificates of those that are believed, in place of the system's.
	CA string
	// Cert and Key are what a node is shown that asks for a client's certificate.
	Cert, Key string
	// ServerName is what the nodes' certificates are for, empty if that is their hosts.
	ServerName string
}

// Client returns a client of Admin APIs, which gives a node timeout for each answer. It
// follows no redirect: what it sends is secret.
func (files TLS) Client(timeout time.Duration) (*http.Client, error) {
	config, err := files.config()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.Proxy = nil
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func (files TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: files.ServerName}
	if files.CA != "" {
		var err error
		if config.RootCAs, err = pemfile.Pool(files.CA); err != nil {
			return nil, fmt.Errorf("read CA of the Admin APIs: %w", err)
		}
	}
	if files.Cert == "" && files.Key == "" {
		return config, nil
	}
	pair, err := pemfile.Pair(files.Cert, files.Key)
	if err != nil {
		return nil, fmt.Errorf("read certificate for the Admin APIs (%q, key %q): %w", files.Cert, files.Key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// Node is one Kong, by its Admin API.
type Node struct {
	url    *url.URL
	client *http.Client
}

// NewNode is the node whose Admin API is at an address such as http://127.0.0.1:8001.
func NewNode(address string, client *http.Client) (*Node, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no address of an Admin API: write it as http://127.0.0.1:8001", redacted(u, address))
	}
	return &Node{u, client}, nil
}

func redacted(u *url.URL, address string) string {
	if u == nil {
		_, address, _ = strings.Cut(address, "@") // what does not parse may hold a password too
		return address
	}
	return u.Redacted()
}

// String is the node's address.
func (n *Node) String() string {
	shown := *n.url
	shown.User = nil
	return shown.String()
}

// Hash is what Kong has as the `configuration_hash` of a config: its text's MD5, which is
// no secret's protection, and none of ours.
func Hash(config []byte) string {
	sum := md5.Sum(config)
	return hex.EncodeToString(sum[:])
}

// Empty is the hash that Kong has of no config, and of one without any entity.
const Empty = "00000000000000000000000000000000"

// Running is the hash of the config that the node has. Each of its workers takes up a new
// one a moment after it was posted.
func (n *Node) Running(ctx context.Context) (string, error) {
	status, body, err := n.ask(ctx, http.MethodGet, "status", nil)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", unexpected(status, body)
	}
	var answer struct {
		Hash string `json:"configuration_hash"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Hash == "" {
		return "", errors.New("its /status has no configuration_hash: is this the Admin API of a Kong without a database?")
	}
	return answer.Hash, nil
}

// maxAnswer bounds what is read of an answer, in bytes. A refusal repeats the entities
// that it is about, and Kong takes configs of up to 10 MiB.
const maxAnswer = 32 << 20

// ask returns a status and a body. Its error names no secret: neither has the address's
// password nor what was sent.
func (n *Node) ask(ctx context.Context, method, path string, body io.Reader) (int, []byte, error) {
	target := n.url.JoinPath(strings.Split(path, "?")[0])
	_, target.RawQuery, _ = strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "text/yaml")
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return 0, nil, cause(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", cause(err))
	}
	return resp.StatusCode, answer, nil
}

// cause is an error without the URL that http.Client puts before it.
func cause(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("no answer in time")
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
