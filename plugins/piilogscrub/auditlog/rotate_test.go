package auditlog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestMidnight: an idle process rotates at midnight UTC, and a record is in the file of
// its day.
func TestMidnight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01T00:00:00Z
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		l := openAt(t, Options{Target: path})
		time.Sleep(24*time.Hour - time.Millisecond)
		write(t, l, "r1")
		time.Sleep(time.Minute)
		synctest.Wait()
		checkHas(t, filepath.Join(dir, "audit-2000-01-02T00-00-00.000-time.jsonl.gz"), "r1")
		checkHas(t, path)
		time.Sleep(72 * time.Hour)
		if got := files(t, dir); len(got) != 2 {
			t.Errorf("files %v: days without a record are none", got)
		}
	})
}

// TestOldFileAtStart: a process that never runs at midnight does not keep a file for ever.
func TestOldFileAtStart(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	of := func(t time.Time) string {
		return `{"time":"` + t.Format(time.RFC3339Nano) + `","request_id":"r0"}` + "\n"
	}
	for name, tt := range map[string]struct {
		text     string
		modified time.Time
		rotated  bool
	}{
		"record of yesterday":               {of(now.AddDate(0, 0, -1)), now, true},
		"first of yesterday, last of today": {of(now.AddDate(0, 0, -1)) + of(now), now, true},
		"record of today":                   {of(now), now.AddDate(0, 0, -1), false},
		"no record, of last week":           {"#\n", now.AddDate(0, 0, -7), true},
		"no record, of today":               {"#\n", now, false},
		"empty":                             {"", now.AddDate(0, 0, -7), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "audit.jsonl")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, tt.modified, tt.modified); err != nil {
				t.Fatal(err)
			}
			openAt(t, Options{Target: path})
			if rotated := len(files(t, dir)) > 1; rotated != tt.rotated {
				t.Errorf("files %v, want it rotated: %v", files(t, dir), tt.rotated)
			}
		})
	}
}

// TestSize: a file is rotated before it is larger than what was set.
func TestSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Open(Options{Target: filepath.Join(dir, "audit.jsonl"), MaxMegabytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	half := strings.Repeat("x", 500_000)
	for range 5 {
		write(t, l, half)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	rotated := slices.DeleteFunc(files(t, dir), func(name string) bool { return !strings.Contains(name, "-size.jsonl") })
	if info, err := os.Stat(filepath.Join(dir, "audit.jsonl")); len(rotated) != 2 || err != nil || info.Size() > 1<<20 {
		t.Errorf("files %v, %v; want two that are rotated", files(t, dir), err)
	}
}

// TestRetention: files go when they are older than the retention, at the start and while
// the process runs, whether or not there is a record, timberjack's as well as ours; and
// nothing else goes.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		old := []string{
			"audit-1999-10-02T00-00-00.000-time.jsonl.gz", "audit-1999-10-02T11-00-00.000-size.jsonl",
			"audit-1999-10-02T11-00-00.000-time_1.jsonl", "audit-1999-10-02T00-00-00.000-time.jsonl.gz.tmp",
			"audit-1999-09-01T00-00-00.000.jsonl",
		}
		young := "audit-1999-10-04T00-00-00.000-time.jsonl" // 89 days ago
		others := []string{
			"audit-1999-10-02.jsonl", "audit-report.jsonl", "other-1999-10-02T00-00-00.000-time.jsonl",
			"audit-1999-10-02T00-00-00.000-time.txt", "audit-1999-10-02T00-00-00.000-time.jsonl.sig",
		}
		for _, name := range slices.Concat(old, others, []string{young}) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(wantLine), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		openAt(t, Options{Target: filepath.Join(dir, "audit.jsonl")})
		synctest.Wait()
		checkFiles(t, dir, append(others, "audit.jsonl", young+".gz"))
		time.Sleep(24*time.Hour - time.Minute)
		checkFiles(t, dir, append(others, "audit.jsonl", young+".gz"))
		time.Sleep(time.Hour + 2*time.Minute)
		checkFiles(t, dir, append(others, "audit.jsonl"))
	})
}

// TestRecordsAreKept: a record is kept for the retention, and a day and an hour more at
// most, for 90 days and for PCI DSS' twelve months.
func TestRecordsAreKept(t *testing.T) {
	t.Parallel()
	for _, days := range []int{DefaultRetentionDays, 365} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			l := openAt(t, Options{Target: filepath.Join(dir, "audit.jsonl"), RetentionDays: days})
			write(t, l, "first")
			name := filepath.Join(dir, "audit-2000-01-02T00-00-00.000-time.jsonl.gz")
			time.Sleep(time.Duration(days) * 24 * time.Hour)
			checkHas(t, name, "first")
			time.Sleep(25*time.Hour + time.Minute)
			if exists(name) {
				t.Errorf("a record is kept for longer than %d days", days)
			}
		})
	}
}

func checkFiles(t *testing.T, dir string, want []string) {
	t.Helper()
	got := files(t, dir)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
}

// TestCompressionIsTakenUp: a process ended while it compressed.
func TestCompressionIsTakenUp(t *testing.T) {
	t.Parallel()
	for name, leftover := range map[string]string{"half": ".gz.tmp", "not yet removed": ".gz"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				rotated := filepath.Join(dir, "audit-1999-12-31T00-00-00.000-time.jsonl")
				for path, text := range map[string]string{rotated: wantLine, rotated + leftover: "\x1f\x8b"} {
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				openAt(t, Options{Target: filepath.Join(dir, "audit.jsonl")})
				synctest.Wait()
				checkFiles(t, dir, []string{"audit.jsonl", filepath.Base(rotated) + ".gz"})
				checkHas(t, rotated+".gz", "r1")
			})
		})
	}
}

// TestTwoProcesses: one that ends and its successor write to one file, which both rotate.
// Each record is in exactly one file, and whole.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const each, size = 400, 8000 // 6.4 MB, in files of 1 MiB
	var writers sync.WaitGroup
	for process := range 2 {
		l := openAt(t, Options{Target: filepath.Join(dir, "audit.jsonl"), MaxMegabytes: 1})
		for part := range 2 {
			writers.Go(func() {
				for i := range each / 2 {
					id := fmt.Sprintf("p%d-%d-%d", process, part, i)
					if err := l.Handle(context.Background(), recordNow(id+strings.Repeat(" ", size))); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	writers.Wait()
	var all strings.Builder
	for _, name := range files(t, dir) {
		if !strings.HasSuffix(name, temporaryExt) {
			all.WriteString(textOfEither(t, filepath.Join(dir, name)))
		}
	}
	lines := strings.FieldsFunc(all.String(), func(r rune) bool { return r == '\n' })
	slices.Sort(lines)
	lines = slices.Compact(lines)
	if len(lines) != 2*each || len(files(t, dir)) < 6 {
		t.Errorf("%d different records in %d files, want %d", len(lines), len(files(t, dir)), 2*each)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, `{"time":`) || !strings.HasSuffix(line, ` "}`) {
			t.Fatalf("line %.60q is no whole record", line)
		}
	}
}

// textOfEither reads a file that may be being compressed.
func textOfEither(t *testing.T, path string) string {
	if !exists(path) {
		path += compressedExt
	}
	return text(t, path)
}

// TestIdleProcessLosesNothing: one process rotates while another has the file open,
// which is not compressed under its hands.
func TestIdleProcessLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		busy := openAt(t, Options{Target: path})
		idle := openAt(t, Options{Target: path})
		write(t, busy, "r1")
		time.Sleep(25 * time.Hour)
		write(t, busy, "r2")
		write(t, idle, "r3")
		checkHas(t, path, "r2", "r3")
		time.Sleep(time.Hour)
		synctest.Wait()
		checkHas(t, filepath.Join(dir, "audit-2000-01-02T00-00-00.000-time.jsonl.gz"), "r1")
	})
}

func TestRotatedName(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 11, 24, 3, 13, 41, 5e6, time.UTC)
	for _, tt := range []struct{ path, want string }{
		{"/log/audit.jsonl", "/log/audit-2025-11-24T03-13-41.005-time.jsonl"},
		{"audit", "audit-2025-11-24T03-13-41.005-time"},
		{"/a.b/c.d.e", "/a.b/c.d-2025-11-24T03-13-41.005-time.e"},
	} {
		got := rotatedName(tt.path, at, byTime)
		if got != tt.want {
			t.Errorf("%s is rotated to %s, want %s", tt.path, got, tt.want)
		}
		for end, wantCompressed := range map[string]bool{"": false, ".gz": true, ".gz.tmp": true} {
			if back, compressed, ok := rotatedAt(tt.path, got+end); !ok || !back.Equal(at) || compressed != wantCompressed {
				t.Errorf("%s was rotated at %s, compressed %v, %v", got+end, back, compressed, ok)
			}
		}
	}
}

// FuzzRotatedAt: a name that is taken for a rotated file's begins and ends as one.
func FuzzRotatedAt(f *testing.F) {
	for _, name := range []string{
		"audit-2025-11-24T00-00-00.000-time.jsonl", "audit-2025-11-24T00-00-00.000.jsonl.gz", "audit-.jsonl", "audit.jsonl",
		"audit-2025-11-24T00-00-00.000-time.jsonl.gz.tmp", "audit-2025-02-30T00-00-00.000-time.jsonl", "audit-2025-11-24T00-00-00.000",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		at, _, ok := rotatedAt("/log/audit.jsonl", name)
		if ok && (!strings.HasPrefix(filepath.Base(name), "audit-"+at.Format(stampLayout)) || !strings.Contains(name, ".jsonl")) {
			t.Errorf("%q was rotated at %s", name, at)
		}
	})
}
