package redisurl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// servers are one of each kind that somebody may take for another.
type servers struct {
	plain, locked, tls, mutual, expired, node, sentinel, replica, web, silent string
	ca, cert, key                                                             string
	otherCert, otherKey                                                       string
}

func startServers(t *testing.T) *servers {
	t.Helper()
	var s servers
	s.ca, s.cert, s.key = authority(t)
	_, s.otherCert, s.otherKey = authority(t)
	s.plain = redistest.Launch(t).Addr
	locked := redistest.Launch(t, "--requirepass", "secret")
	s.locked = locked.Addr
	s.tls = startTLS(t, s.ca, s.cert, s.key, "no")
	s.mutual = startTLS(t, s.ca, s.cert, s.key, "yes")
	ca, cert, key := authorityUntil(t, time.Now().Add(-time.Hour))
	s.expired = startTLS(t, ca, cert, key, "no")
	s.node = redistest.Cluster(t, 3)[0].Addr
	url, _, replica := redistest.Sentinel(t)
	s.sentinel = strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "?master_name=main")
	s.replica = replica.Addr
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Start()
	t.Cleanup(web.Close)
	s.web = web.Listener.Addr().String()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	s.silent = ln.Addr().String()
	for _, addr := range []string{s.plain, s.locked, s.tls, s.mutual, s.expired} {
		redistest.Await(t, "the server listens", func(context.Context) bool {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
	}
	return &s
}

func startTLS(t *testing.T, ca, cert, key, clients string) string {
	t.Helper()
	addr := redistest.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	redistest.Launch(t, "--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", ca, "--tls-auth-clients", clients)
	return addr
}

// TestTry: what goes wrong between a URL and a real server is told with the likely cause
// and the fix.
func TestTry(t *testing.T) {
	t.Parallel()
	s := startServers(t)
	trusted := "?ca_file=" + s.ca
	tests := []struct{ name, url, want string }{
		{"good", "redis://" + s.plain, ""},
		{"good, TLS", "rediss://" + s.tls + trusted, ""},
		{"good, Cluster", "redis://" + s.node + "?cluster=true", ""},
		{"good, Sentinel", "redis://" + s.sentinel + "?master_name=main", ""},
		{"no client certificate", "rediss://" + s.mutual + trusted, "add cert_file and key_file"},
		{"another authority's client certificate", "rediss://" + s.mutual + trusted + "&cert_file=" + s.otherCert + "&key_file=" + s.otherKey, "does not accept the client certificate"},
		{"TLS to a port without", "rediss://" + s.plain, "write redis:// in place of rediss://"},
		{"TLS to a port without, of a Cluster", "rediss://" + s.node + "?cluster=true", "write redis:// in place of rediss://"},
		{"TLS to a Sentinel without", "rediss://" + s.sentinel + "?master_name=main", "write redis:// in place of rediss://"},
		{"no TLS to a port with", "redis://" + s.tls, "write rediss:// in place of redis://"},
		{"no TLS to a port for clients with certificates", "redis://" + s.mutual, "write rediss:// in place of redis://"},
		{"unknown authority", "rediss://" + s.tls, "name its PEM file with ca_file"},
		{"another name", "rediss://" + s.tls + trusted + "&server_name=elsewhere", "add server_name"},
		{"expired", "rediss://" + s.expired + "?ca_file=" + s.ca, "renew it"},
		{"wrong password", "redis://:guess@" + s.locked, "user or password is wrong"},
		{"unknown user", "redis://nobody:guess@" + s.plain, "user or password is wrong"},
		{"no password", "redis://" + s.locked, "wants a password"},
		{"another master's name", "redis://" + s.sentinel + "?master_name=other", "the Sentinels know no master of that name"},
		{"a Sentinel as a Redis", "redis://" + s.sentinel, "add ?master_name=NAME"},
		{"a Sentinel as a Redis with databases", "redis://" + s.sentinel + "/1", "add ?master_name=NAME"},
		{"a Sentinel as a Cluster", "redis://" + s.sentinel + "?cluster=true", "add ?master_name=NAME"},
		{"a Redis as a Sentinel", "redis://" + s.plain + "?master_name=main", "leave out master_name"},
		{"a Redis as a Cluster", "redis://" + s.plain + "?cluster=true", "leave out cluster=true"},
		{"a Cluster as a Redis", "redis://" + s.node, "add ?cluster=true"},
		{"a database of a Cluster", "redis://" + s.node + "/1", "a Cluster has no databases but 0"},
		{"a database too many", "redis://" + s.plain + "/99", "fewer databases"},
		{"a replica", "redis://" + s.replica, "the server is a replica"},
		{"HTTP", "redis://" + s.web, "an HTTP server answers"},
		{"HTTP, with TLS", "rediss://" + s.web, "an HTTP server answers"},
		{"nobody", "redis://127.0.0.1:1", "nothing listens there"},
		{"nobody, Cluster", "redis://127.0.0.1:1?cluster=true", "nothing listens there"},
		{"nobody, Sentinel", "redis://127.0.0.1:1?master_name=main", "nothing listens there"},
		{"unknown host", "redis://redis.invalid", "the host's name is not known here"},
		{"no socket", "unix:///nonexistent/redis.sock", "no such socket"},
		{"no answer", "redis://" + s.silent, "no answer in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Try(t.Context(), tt.url)
			likely := ExplainFirst(tt.url, err)
			if (err == nil) != (tt.want == "") || !strings.Contains(likely, tt.want) {
				t.Errorf("error %v, likely %q, want %q", err, likely, tt.want)
			}
		})
	}
}

// TestExplain: what no server here says, and what says less once a server was reached.
func TestExplain(t *testing.T) {
	t.Parallel()
	reset := fmt.Errorf("ask redis: %w", syscall.ECONNRESET)
	for _, tt := range []struct {
		url, want string
		err       error
	}{
		{"redis://h", "", reset},
		{"redis://h", "", io.EOF},
		{"rediss://h", "", reset},
		{"redis://h", "", context.DeadlineExceeded},
		{"rediss://h", "add cert_file and key_file", errors.New("remote error: tls: certificate required")},
		{"rediss://h?cert_file=c&key_file=k", "tls-ca-cert-file", errors.New("remote error: tls: unknown certificate authority")},
		{"redis://h", "add ?cluster=true", errors.New("MOVED 866 10.0.0.1:6379")},
		{"redis://h?cluster=true", "", errors.New("MOVED 866 10.0.0.1:6379")},
		{"redis://h", "the server is a replica", errors.New("READONLY You can't write against a read only replica.")},
		{"redis://h", "raise its maxmemory", errors.New("OOM command not allowed when used memory > 'maxmemory'.")},
		{"redis://h", "min-replicas-to-write", errors.New("NOREPLICAS Not enough good replicas to write.")},
		{"redis://h", "leave it out", errors.New("ERR AUTH <password> called without any password configured for the default user.")},
		{"redis://h", "protected-mode", errors.New("DENIED Redis is running in protected mode because")},
		{"redis://h", "", errors.New("ERR something else")},
		{"redis://h", "", nil},
		{"%", "", reset},
	} {
		if got := Explain(tt.url, tt.err); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v: %q, want %q", tt.url, tt.err, got, tt.want)
		}
	}
}

func TestParseInfo(t *testing.T) {
	t.Parallel()
	info := ParseInfo("# Server\r\nredis_mode:cluster\r\nexecutable:/a:b\r\n\r\nnonsense\r\n")
	if len(info) != 2 || info["redis_mode"] != "cluster" || info["executable"] != "/a:b" {
		t.Errorf("%v", info)
	}
}

// TestTryRefused: what a server says of its own accord before it ends the connection is told,
// and not the end. Redis does so to who may not connect, and go-redis reads it as the answer
// to a question of its own.
func TestTryRefused(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"-DENIED Redis is running in protected mode because protected mode is enabled": "set protected-mode no",
		"-ERR max number of clients reached":                                           "raise its maxclients",
		"":                                                                             "write rediss:// in place of redis://",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		go func() {
			for conn, err := ln.Accept(); err == nil; conn, err = ln.Accept() {
				if said != "" {
					_, _ = io.WriteString(conn, said+"\r\n")
				}
				_ = conn.Close()
			}
		}()
		for _, query := range []string{"", "?cluster=true"} {
			url := "redis://" + ln.Addr().String() + query
			if err := Reach(t.Context(), url); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a server that says %q to %s: %v, want %q", said, url, err, want)
			}
		}
	}
}
