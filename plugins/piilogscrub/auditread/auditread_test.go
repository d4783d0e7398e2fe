package auditread

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(files []File) (list []string) {
	for _, f := range files {
		list = append(list, filepath.Base(f.Path))
	}
	return list
}

// TestOrder: a folder's files come oldest first, by their names.
func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		want []string
	}{
		{"ours", []string{
			"audit-2025-11-24T00-00-00.000-time.jsonl.gz", "audit-2025-11-24T13-10-00.123-size.jsonl.gz",
			"audit-2025-11-24T13-10-00.123-size_1.jsonl.gz", "audit-2025-12-01T00-00-00.000-time.jsonl", "audit.jsonl"}},
		{"without an ending", []string{"audit-2025-11-24T00-00-00.000-time.gz", "audit-2025-11-25T00-00-00.000-time", "audit"}},
		{"logrotate's numbers", []string{"audit.jsonl.10.gz", "audit.jsonl.9.gz", "audit.jsonl.1", "audit.jsonl"}},
		{"logrotate's dates", []string{"audit.jsonl-20251124.gz", "audit.jsonl-20251125", "audit.jsonl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, append([]string{".hidden", "audit-2025-12-01T00-00-00.000-time.jsonl.gz.tmp"}, tt.want...)...)
			files, err := Find(dir)
			if diff := cmp.Diff(tt.want, names(files)); err != nil || diff != "" {
				t.Errorf("%v, files (-want +got):\n%s", err, diff)
			}
			current := filepath.Join(dir, tt.want[len(tt.want)-1])
			for _, f := range files {
				if f.Log != current {
					t.Errorf("%s is of the log %s, want %s", f.Path, f.Log, current)
				}
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const old = "audit-2025-11-24T00-00-00.000-time.jsonl"
	dir := folder(t, "other.jsonl", "audit.jsonl", old, old+".gz")
	path := func(name string) string { return filepath.Join(dir, name) }
	files, err := Find(path("audit.jsonl"), path("other.jsonl"), path("missing"), path(old), path("audit.jsonl"), path(old+".gz"))
	if diff := cmp.Diff([]string{old, "audit.jsonl", "other.jsonl", "missing"}, names(files)); err != nil || diff != "" {
		t.Errorf("%v, files (-want +got):\n%s", err, diff)
	}
	files, err = OfLog(path("audit.jsonl"))
	if diff := cmp.Diff([]string{old, "audit.jsonl"}, names(files)); err != nil || diff != "" {
		t.Errorf("%v, files of the log (-want +got):\n%s", err, diff)
	}
	if files, err := OfLog(path("none/audit.jsonl")); err != nil || len(files) > 0 {
		t.Errorf("where there is no folder: %v, %v", files, err)
	}
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

// TestLines reads lines from whatever a file can be.
func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*MaxLine)
	tests := []struct {
		name string
		file []byte
		want []string
		err  error
	}{
		{"empty", nil, nil, nil},
		{"one byte", []byte("a"), []string{"a"}, nil},
		{"lines", []byte("a\n\nb\n"), []string{"a", "", "b"}, nil},
		{"without an end", []byte("a\nb"), []string{"a", "b"}, nil},
		{"long", []byte("a\n" + long + "\nb\n"), []string{"a", long[:MaxLine], "b"}, nil},
		{"compressed", zipped("a\nb\n"), []string{"a", "b"}, nil},
		{"compressed in two parts", append(zipped("a\nb\n"), zipped("c\n")...), []string{"a", "b", "c"}, nil},
		{"compressed and cut off", zipped("a\nb\n")[:len(zipped("a\nb\n"))-4], []string{"a", "b"}, io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			var got []string
			for line, readErr := range Lines(in) {
				if err = readErr; err == nil {
					got = append(got, string(line))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v; lines (-want +got):\n%.300s", err, tt.err, diff)
			}
		})
	}
}

func TestOpenTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, want := range map[string]string{"audit.jsonl": "aily\n", "audit.jsonl.gz": "daily daily\n"} {
		path := filepath.Join(dir, name)
		text := []byte("daily daily\n")
		if strings.HasSuffix(name, compressed) {
			text = zipped(string(text))
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := OpenTail(path, 5)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
		in.Close()
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const line = `{"time":"2026-01-31T09:30:00.5Z","log":"audit","request_id":"r1","consumer":"web","tenant":"acme","user":"user:k1:9f86d081884c7d65"}`
	at := time.Date(2026, 1, 31, 9, 30, 0, 500_000_000, time.UTC)
	tests := []struct {
		name, line string
		query      Query
		want       bool
	}{
		{"tenant", line, Query{Tenant: "acme"}, true},
		{"another tenant", line, Query{Tenant: "acm"}, false},
		{"all", line, Query{Tenant: "acme", Consumer: "web", User: "user:k1:9f86d081884c7d65", RequestID: "r1", Since: at, Until: at.Add(1)}, true},
		{"all but one", line, Query{Tenant: "acme", Consumer: "mobile"}, false},
		{"another user", line, Query{User: "user:k1:0"}, false},
		{"another request", line, Query{RequestID: "r2"}, false},
		{"since", line, Query{Since: at.Add(1)}, false},
		{"until", line, Query{Until: at}, false},
		{"another log", strings.Replace(line, `"audit"`, `"access"`, 1), Query{Tenant: "acme"}, false},
		{"another log's fields", `{"log":"access","user":7,"tenant":"acme"}`, Query{Tenant: "acme"}, false},
		{"an empty line", "", Query{Tenant: "acme"}, false},
		{"a record without a tenant", `{"time":"2026-01-31T09:30:00Z","log":"audit"}`, Query{Tenant: "acme"}, false},
	}
	for _, tt := range tests {
		if got, err := tt.query.Match([]byte(tt.line)); got != tt.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := (Query{Tenant: "acme"}).Match([]byte(line[:40])); err == nil {
		t.Error("half a line is no error")
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-01-31": "2026-01-31T00:00:00Z", "2026-01-31T09:30:00Z": "2026-01-31T09:30:00Z", "2026-01-31T09:30:00+02:00": "2026-01-31T07:30:00Z",
		"90d": "2025-12-14T15:00:00Z", "36h": "2026-03-13T03:00:00Z", "0s": "2026-03-14T15:00:00Z", "100000d": "1752-05-29T15:00:00Z",
		"": "", "soon": "", "90": "", "-1d": "", "-1h": "", "d": "", "99999999999d": "", "2026-02-30": "", "1.5d": "",
	} {
		got, err := ParseTime(text, now)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "write 2026-01-31") {
				t.Errorf("%q: %v, %v", text, got, err)
			}
		} else if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("90d")
	f.Add("2026-01-31T09:30:00Z")
	f.Add("106752d")
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		// How long ago is never in the time to come.
		if at, err := ParseTime(text, now); err == nil && !strings.Contains(text, "-") && at.After(now) {
			t.Errorf("%q is %v", text, at)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"log":"audit","tenant":"acme"}`)
	f.Add(`{"log":"audit","tenant":"acme","time":5}`)
	f.Fuzz(func(t *testing.T, line string) {
		if wanted, _ := (Query{Tenant: "acme"}).Match([]byte(line)); wanted && !strings.Contains(line, "a") {
			t.Errorf("%q", line)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("audit-2025-11-24T00-00-00.000-time.jsonl.gz")
	f.Add("audit.jsonl.10.gz")
	f.Add("audit.jsonl-20251124")
	f.Fuzz(func(t *testing.T, name string) {
		log, p := parseName(name)
		if len(log) > len(name) || p.rotated == (log == strings.TrimSuffix(name, compressed)) {
			t.Errorf("%q: log %q, %+v", name, log, p)
		}
	})
}
