package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/supervisor"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
)

func newLimiter(t *testing.T) *tenantratelimit.Runtime {
	t.Helper()
	r, err := tenantratelimit.NewRuntime(tenantratelimit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLimitsFile: it is for this user's eyes, it is used once, and what is wrong with
// it is said in one line.
func TestLimitsFile(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	dir := filepath.Join(t.TempDir(), "instances")
	path := filepath.Join(dir, limitsFile)
	takeOverLimits(dir, newLimiter(t), logger) // nothing is there yet
	handOverLimits(dir, newLimiter(t), logger)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, error %v; want a file of mode 0600", info, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%v beside it", entries)
	}
	takeOverLimits(dir, newLimiter(t), logger)
	if _, err := os.Stat(path); !os.IsNotExist(err) || log.Len() > 0 {
		t.Errorf("after it was used: %v, and the log says %s", err, &log)
	}
	if err := os.WriteFile(path, []byte(`{"version":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		takeOverLimits(dir, newLimiter(t), logger)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "unexpected end") {
		t.Errorf("%d lines, want one that says why: %s", n, &log)
	}
	takeOverLimits("", newLimiter(t), logger)
	handOverLimits("", newLimiter(t), logger)
	if _, err := os.Stat(limitsFile); err == nil {
		t.Error("a file where no folder was named")
	}
}

// TestLimitsFileThatIsTooLong is not read to its end.
func TestLimitsFileThatIsTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), limitsFile)
	if err := os.WriteFile(path, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := takeFile(path, 10); err != nil || len(text) != 11 {
		t.Errorf("%d bytes, error %v; want one more than allowed", len(text), err)
	}
}

// TestLimitsAreLeftBeforeTheNextStarts: when the parent is told that this process serves
// no more, the file is there.
func TestLimitsAreLeftBeforeTheNextStarts(t *testing.T) {
	told, telling, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	t.Setenv("REDIS_URL", "")
	dir := t.TempDir()
	socket, instances := filepath.Join(dir, "s"), filepath.Join(dir, "instances")
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- serveWith(ctx, streams{out: io.Discard, err: io.Discard}, inherit.Files{supervisor.Serving: telling}, "--socket", socket, "--http", "127.0.0.1:0", "--instances", instances)
	}()
	redistest.Await(t, "it serves", func(context.Context) bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	end()
	if _, err := io.ReadAll(told); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(instances, limitsFile)); err != nil {
		t.Errorf("the next process may start, and %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
