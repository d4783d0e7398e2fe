package auditlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// stampLayout and the reasons are timberjack's, which wrote these files before, so
	// that its files still go.
	stampLayout = "2006-01-02T15-04-05.000"
	byTime      = "time"
	bySize      = "size"

	compressedExt = ".gz"
	temporaryExt  = ".tmp" // after compressedExt, while it is written

	// rotateAgain is how long a rotation that was refused is left alone.
	rotateAgain = time.Minute
)

// due is the reason to rotate a file of so many bytes before more are added, or "".
func (f *file) due(now time.Time, size int64, more int) string {
	switch {
	case size == 0 || now.Before(f.rotateNext):
		return ""
	case dayOf(now).After(f.day):
		return byTime
	case size+int64(more) > f.limit:
		return bySize
	}
	return ""
}

// rotateIfDue rotates a file of an earlier day to which nobody may write for long.
func (f *file) rotateIfDue() {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := f.follow()
	if err != nil {
		return // the next record fails for it, and says so
	}
	if f.due(time.Now(), info.Size(), 0) == byTime {
		f.rotate(time.Now(), byTime)
	}
}

// rotate gives the current file a name with the time in it, and begins a new one. Where
// that is refused, the current file goes on.
func (f *file) rotate(now time.Time, reason string) {
	if err := f.setAside(now, reason); err != nil {
		f.rotateNext = now.Add(rotateAgain)
		f.logger.Error("audit log is not rotated: it goes on in the same file, and is tried again in a minute", "file", f.path, "error", err)
		return
	}
	select {
	case f.rotated <- struct{}{}:
	default:
	}
}

func (f *file) setAside(now time.Time, reason string) error {
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if errors.Is(lockAlone(dir), errInUse) {
		return nil // another process rotates: the next line follows it
	}
	if info, err := os.Stat(f.path); err != nil || !os.SameFile(info, f.info) {
		return nil // it has
	}
	name := f.freeName(now, reason)
	if err := os.Rename(f.path, name); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		// Back, unless there is a file by now.
		if back := os.Link(name, f.path); back == nil {
			err = errors.Join(err, os.Remove(name))
		}
		return err
	}
	return nil
}

// freeName is the name of a file that is rotated now, or so many milliseconds later
// that there is none yet.
func (f *file) freeName(now time.Time, reason string) string {
	for ; ; now = now.Add(time.Millisecond) {
		name := rotatedName(f.path, now, reason)
		if !exists(name) && !exists(name+compressedExt) {
			return name
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// rotatedName is audit-2025-11-24T00-00-00.000-time.jsonl for audit.jsonl.
func rotatedName(path string, t time.Time, reason string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-" + t.UTC().Format(stampLayout) + "-" + reason + ext
}

// rotatedAt is when the file of a name was rotated, if it was the one at path before.
// compressed says that it is, or is about to be.
func rotatedAt(path, name string) (t time.Time, compressed, ok bool) {
	ext := filepath.Ext(path)
	rest, ok := strings.CutPrefix(filepath.Base(name), strings.TrimSuffix(filepath.Base(path), ext)+"-")
	if !ok || len(rest) < len(stampLayout) {
		return t, false, false
	}
	t, err := time.Parse(stampLayout, rest[:len(stampLayout)])
	if err != nil {
		return t, false, false
	}
	rest, compressed = strings.CutSuffix(strings.TrimSuffix(rest[len(stampLayout):], temporaryExt), compressedExt)
	reason, ok := strings.CutSuffix(rest, ext)
	return t, compressed, ok && (reason == "" || reason[0] == '-')
}
