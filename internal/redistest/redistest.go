// Package redistest starts real Redis servers for a test: one, a Cluster, or a
// master with a replica and a Sentinel.
package redistest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Start runs redis-server on a unix socket in a folder of its own until the
// test ends, and returns its URL. Arguments are added to the server's.
func Start(t testing.TB, args ...string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "redis.sock")
	Launch(t, append([]string{"--port", "0", "--unixsocket", socket}, args...)...)
	url := "unix://" + socket
	Await(t, "redis-server listens", func(context.Context) bool { return exists(socket) })
	c := Client(t, url)
	Await(t, "redis-server answers", func(ctx context.Context) bool { return c.Ping(ctx).Err() == nil })
	return url
}

func binary(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		path, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		t.Skip("skipped: no redis-server on PATH, nor valkey-server")
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Client connects to the URL until the test ends.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol, o.DialerRetries = 2, 1
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
