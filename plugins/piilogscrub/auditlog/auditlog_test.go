package auditlog

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func record(id string) slog.Record {
	r := slog.NewRecord(time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC), slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("request_id", id), slog.Int("status", 200))
	return r
}

// writeAndClose writes so many records and closes the log.
func writeAndClose(t *testing.T, l *Log, records int) {
	t.Helper()
	for range records {
		if err := l.Handle(t.Context(), record("r1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const wantLine = `{"time":"2025-11-24T03:13:41Z","request_id":"r1","status":200}` + "\n"

func TestStdout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := Open(Options{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 1)
	if out.String() != wantLine {
		t.Errorf("wrote %s, want %s", out.String(), wantLine)
	}
}

// TestFile checks that a file is appended to, and that it is not for everybody.
func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log", "audit.jsonl")
	for range 2 {
		l, err := Open(Options{Target: path})
		if err != nil {
			t.Fatal(err)
		}
		write(t, l, "r1")
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	checkHas(t, path, "r1", "r1")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, o := range map[string]Options{
		dir:         {Target: dir},
		"-1 days":   {RetentionDays: -1},
		"-1 MiB":    {MaxMegabytes: -1},
		"-1 record": {QueueSize: -1},
		"/dev/null": {Target: "/dev/null"},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not name it", name, err)
		}
	}
}
