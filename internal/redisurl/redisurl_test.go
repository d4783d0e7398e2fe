package redisurl

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url, addr string
	}{
		{"server", "redis://user:secret@host:6380/2", "host:6380"},
		{"default port", "redis://host", "host:6379"},
		{"scheme in capitals", "REDIS://user:99999@host:1/2", "host:1"},
		{"socket in capitals", "UNIX:///run/redis.sock", "/run/redis.sock"},
		{"TLS in capitals", "REDISS://host:65535?server_name=redis.internal", "host:65535"},
		{"no port", "redis://host:", "host:6379"},
		{"IPv6", "redis://[::1]:6380", "[::1]:6380"},
		{"socket named like a port", "unix:///run/redis:99999", "/run/redis:99999"},
		{"socket", "unix:///run/redis.sock?db=1", "/run/redis.sock"},
		{"TLS", "rediss://host?server_name=redis.internal", "host:6379"},
		{"option of go-redis", "redis://host?pool_size=3", "host:6379"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := Open(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			o := client.(*redis.Client).Options()
			if o.Addr != tt.addr || !o.ContextTimeoutEnabled || o.MaxRetries > 0 {
				t.Errorf("options %+v", o)
			}
			if tls := o.TLSConfig; strings.HasPrefix(strings.ToLower(tt.url), "rediss") && (tls == nil || tls.ServerName != "redis.internal") {
				t.Errorf("TLS %+v", tls)
			}
		})
	}
}

func TestOpenOthers(t *testing.T) {
	t.Parallel()
	cluster, err := Open("redis://user:secret@one:6379?cluster=true&addr=two:6379")
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	if o := cluster.(*redis.ClusterClient).Options(); strings.Join(o.Addrs, " ") != "one:6379 two:6379" || o.Username != "user" || !o.ContextTimeoutEnabled {
		t.Errorf("cluster: %+v", o)
	}
	master, err := Open("redis://one:26379?master_name=main&addr=two:26379&username=user&password=secret")
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if o := master.(*redis.Client).Options(); o.Username != "user" || o.Password != "secret" || !o.ContextTimeoutEnabled {
		t.Errorf("sentinels: %+v", o)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"http://user:secret@host":                         "not the URL of a Redis",
		"redis://user:secret@host:port":                   "not the URL of a Redis",
		"redis://user:secret@host:99999":                  "port 99999 is out of range; write 1 to 65535",
		"redis://user:secret@host:65536/0":                "port 65536 is out of range",
		"REDIS://user:secret@host:0":                      "port 0 is out of range",
		"rediss://[::1]:70000?pool_size=1":                "port 70000 is out of range",
		"redis://one?cluster=true&addr=two:99999":         "addr: port 99999 is out of range",
		"redis://one?master_name=m&addr=a:1&addr=two:0":   "addr: port 0 is out of range",
		"redis://one?cluster=true&addr=two:port":          "addr: port port is out of range",
		"redis://user:secret@host/db/2":                   "not the URL of a Redis",
		"redis://user:secret@host?no_such_option=1":       "not the URL of a Redis",
		"redis://user:secret@host?cluster=maybe":          `cluster="maybe" is neither true nor false`,
		"redis://host?cluster=true&master_name=m":         "exclude each other",
		"unix:///run/redis.sock?cluster=true":             "not the URL of a Redis",
		"unix:///run/redis.sock?master_name=m":            "not the URL of a Redis",
		"redis://user:secret@host?ca_file=" + empty:       "are for TLS; write rediss://",
		"rediss://user:secret@host?cert_file=" + empty:    "belong together",
		"rediss://user:secret@host?ca_file=" + none:       "read ca_file",
		"rediss://user:secret@host?ca_file=" + empty:      "no certificate in it; write PEM",
		"rediss://host?cert_file=" + none + "&key_file=x": "load cert_file and key_file",
	} {
		client, err := Open(url)
		if err == nil {
			client.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want %q", url, err, want)
		}
	}
}

// authority writes a CA and a certificate for 127.0.0.1 that it signed, for
// servers and clients.
func authority(t *testing.T) (ca, cert, key string) {
	t.Helper()
	return authorityUntil(t, time.Now().Add(time.Hour))
}

// authorityUntil is one whose certificate ends then.
func authorityUntil(t *testing.T, end time.Time) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := write("cert.pem", "CERTIFICATE", der)
	return file, file, write("key.pem", "EC PRIVATE KEY", secret)
}

// A server that demands certificates, and one whose users may not do all.
func TestTLSAndUsers(t *testing.T) {
	t.Parallel()
	ca, cert, key := authority(t)
	addr := redistest.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	redistest.Launch(t, "--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca,
		"--tls-auth-clients", "yes", "--user", "limiter", "on", ">secret", "~gatehouse:*", "+set")
	ping := func(ctx context.Context, url string) error {
		client, err := Open(url)
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Set(ctx, "gatehouse:x", "1", 0).Err()
	}
	good := "rediss://limiter:secret@" + addr + "?ca_file=" + ca + "&cert_file=" + cert + "&key_file=" + key
	var last error
	redistest.Await(t, "the server lets in who has it all", func(ctx context.Context) bool {
		last = ping(ctx, good)
		return last == nil
	})
	for name, url := range map[string]string{
		"no certificate":    "rediss://limiter:secret@" + addr + "?ca_file=" + ca,
		"unknown authority": "rediss://limiter:secret@" + addr + "?cert_file=" + cert + "&key_file=" + key,
		"another name":      good + "&server_name=elsewhere",
		"wrong password":    strings.Replace(good, "secret", "guess", 1),
		"no TLS":            "redis://limiter:secret@" + addr,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		if err := ping(ctx, url); err == nil {
			t.Errorf("%s: the server answers", name)
		}
		cancel()
	}
}

// TestNowhere: every way to ask fails at once, and nobody is dialled.
func TestNowhere(t *testing.T) {
	t.Parallel()
	client := Nowhere()
	defer client.Close()
	_, pipeErr := client.Pipelined(t.Context(), func(p redis.Pipeliner) error { p.Get(t.Context(), "a"); return nil })
	for name, err := range map[string]error{
		"command": client.Get(t.Context(), "a").Err(), "script": client.EvalSha(t.Context(), "x", nil).Err(),
		"pipeline": pipeErr, "subscription": client.Subscribe(t.Context(), "a").Ping(t.Context()),
	} {
		if !errors.Is(err, ErrNowhere) {
			t.Errorf("%s: error %v, want %v", name, err, ErrNowhere)
		}
	}
}
