// Package redistest starts a real Redis for a test.
package redistest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Start runs redis-server on a unix socket in a folder of its own until the
// test ends, and returns its URL. Where there is no redis-server, the test is
// skipped and says so. Arguments are added to the server's.
func Start(t testing.TB, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("skipped: no redis-server on PATH")
	}
	socket := filepath.Join(t.TempDir(), "redis.sock")
	server := exec.CommandContext(context.Background(), path, append([]string{
		"--port", "0", "--unixsocket", socket, "--dir", filepath.Dir(socket), "--save", "", "--appendonly", "no",
	}, args...)...)
	if err := server.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	url := "unix://" + socket
	await(t, socket, url)
	return url
}

// await returns when the server answers.
func await(t testing.TB, socket, url string) {
	t.Helper()
	client := Client(t, url)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !exists(socket) || client.Ping(ctx).Err() != nil {
		select {
		case <-ctx.Done():
			t.Fatal("redis-server does not answer")
		case <-time.After(5 * time.Millisecond):
		}
	}
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
