package auditlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// openAt opens a log on a file, and closes it when the test ends.
func openAt(t *testing.T, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// write writes a record of now.
func write(t *testing.T, l *Log, id string) {
	t.Helper()
	if err := l.Handle(t.Context(), recordNow(id)); err != nil {
		t.Fatal(err)
	}
}

func recordNow(id string) slog.Record {
	r := slog.NewRecord(time.Now().UTC(), slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("request_id", id))
	return r
}

// text is what a file holds, compressed or not.
func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return string(raw)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// files are the names in a directory.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func checkHas(t *testing.T, path string, ids ...string) {
	t.Helper()
	got := text(t, path)
	for _, id := range ids {
		if !strings.Contains(got, `"`+id+`"`) {
			t.Errorf("%s holds %q, want record %s", filepath.Base(path), got, id)
		}
	}
	if n := strings.Count(got, "\n"); n != len(ids) {
		t.Errorf("%s holds %d lines, want %d: %q", filepath.Base(path), n, len(ids), got)
	}
}

// TestFileIsFollowed: whoever takes the file away finds no later record in it, and the
// records are where they are said to be.
func TestFileIsFollowed(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(path string) error{
		"removed":           os.Remove,
		"moved":             func(path string) error { return os.Rename(path, path+".1") },
		"directory removed": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log", "audit.jsonl")
			l := openAt(t, Options{Target: path})
			write(t, l, "r1")
			if err := take(path); err != nil {
				t.Fatal(err)
			}
			write(t, l, "r2")
			checkHas(t, path, "r2")
			if exists(path + ".1") {
				checkHas(t, path+".1", "r1")
			}
		})
	}
}

// TestTruncated: copytruncate of logrotate leaves the file, which is written from its
// beginning.
func TestTruncated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := openAt(t, Options{Target: path})
	write(t, l, "r1")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	write(t, l, "r2")
	checkHas(t, path, "r2")
}

// TestHalfLineIsEnded: a process was killed in the middle of a record.
func TestHalfLineIsEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	half := `{"time":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","request`
	if err := os.WriteFile(path, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, Options{Target: path})
	write(t, l, "r1")
	write(t, l, "r2")
	got := text(t, path)
	rest, ok := strings.CutPrefix(got, half+"\n{")
	if !ok || strings.Count(rest, "\n") != 2 {
		t.Errorf("file %q, want the half line ended, and two records", got)
	}
}

// TestLink: what a link leads to is rotated and removed, and the link stays.
func TestLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link.jsonl")
		if err := os.Symlink(filepath.Join(dir, "audit.jsonl"), link); err != nil {
			t.Fatal(err)
		}
		l := openAt(t, Options{Target: link})
		write(t, l, "r1")
		time.Sleep(25 * time.Hour)
		write(t, l, "r2")
		checkHas(t, link, "r2")
		checkHas(t, filepath.Join(dir, "audit-2000-01-02T00-00-00.000-time.jsonl.gz"), "r1")
	})
}

// TestClosed: a record after the end fails, and nothing else.
func TestClosed(t *testing.T) {
	t.Parallel()
	l, err := Open(Options{Target: filepath.Join(t.TempDir(), "audit.jsonl")})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 1)
	if err := l.Handle(t.Context(), record("r1")); err == nil {
		t.Error("a record was written to a closed log")
	}
}
