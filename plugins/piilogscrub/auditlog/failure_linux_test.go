package auditlog

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// limitFiles lets files grow to so many bytes, of this process, until restore.
func limitFiles(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(unix.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCutShort: of a record that did not fit nothing is part of another, and it has
// failed. It is not parallel: the limit is the process'.
func TestCutShort(t *testing.T) {
	for name, others := range map[string]int{"one process": 0, "another has the file open": 1} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			for range others {
				openAt(t, Options{Target: path})
			}
			l := openAt(t, Options{Target: path})
			write(t, l, "r1")
			whole := text(t, path)
			restore := limitFiles(t, uint64(len(whole)+10))
			for range 3 {
				if err := l.Handle(t.Context(), recordNow("lost")); err == nil {
					t.Error("a record that did not fit was written")
				}
			}
			if err := l.Broken(); err == nil || !strings.HasPrefix(err.Error(), "audit trail: ") {
				t.Errorf("broken: %v", err)
			}
			restore()
			write(t, l, "r2")
			if err := l.Broken(); err != nil {
				t.Error(err)
			}
			rest, ok := strings.CutPrefix(text(t, path), whole)
			if others > 0 {
				_, rest, _ = strings.Cut(rest, "\n") // what was written stays, on a line of its own
			}
			if !ok || strings.Contains(rest, "lost") || !strings.HasPrefix(rest, `{"time"`) || strings.Count(rest, "\n") != 1 {
				t.Errorf("file %q", text(t, path))
			}
		})
	}
}

// TestFullDisk: the trail is broken for as long as there is no room, and no longer, also
// without a record.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("to fill a disk takes a right to mount one:", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		path, filler := filepath.Join(dir, "audit.jsonl"), filepath.Join(dir, "filler")
		l := openAt(t, Options{Target: path})
		write(t, l, "r1")
		_ = os.WriteFile(filler, make([]byte, 1<<20), 0o600) // as far as there is room
		written, lost := 1, 0
		for range 400 { // what is left of the file's last block takes some
			switch err := l.Handle(t.Context(), recordNow("r")); {
			case err == nil:
				written++
			case errors.Is(err, syscall.ENOSPC):
				lost++
			default:
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if lost == 0 || l.Broken() == nil || !strings.Contains(l.Broken().Error(), "no space left") {
			t.Errorf("%d records written, %d lost, broken: %v", written, lost, l.Broken())
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := l.Broken(); err != nil {
			t.Errorf("two seconds after there is room: %v", err)
		}
		write(t, l, "r")
		got := text(t, path)
		if n := strings.Count(got, `"}`+"\n"+`{"time":`); n != written || strings.Count(got, "\n") != written+1 {
			t.Errorf("%d records follow another, want %d", n, written)
		}
		checkFiles(t, dir, []string{"audit.jsonl"})
	})
}

// TestReadOnlyDisk: EROFS, with the file open.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=256k"); err != nil {
		t.Skip("a read-only disk takes a right to mount one:", err)
	}
	defer func() { _ = syscall.Unmount(dir, 0) }()
	if _, err := Open(Options{Target: filepath.Join(dir, "audit.jsonl")}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("open: %v", err)
	}
}

// asNobody has the calls of this goroutine made without root's rights, until restore.
func asNobody() (restore func()) {
	runtime.LockOSThread()
	was, _ := unix.SetfsuidRetUid(65534)
	return func() {
		_, _ = unix.SetfsuidRetUid(was)
		runtime.UnlockOSThread()
	}
}

// TestRefusedRotation: the file goes on, and is rotated when it can be.
func TestRefusedRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var logged bytes.Buffer
		path := filepath.Join(dir, "audit.jsonl")
		l := openAt(t, Options{Target: path, MaxMegabytes: 1, Logger: slog.New(slog.NewJSONHandler(&logged, nil))})
		synctest.Wait()
		write(t, l, strings.Repeat("x", 1<<20))
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		restore := asNobody()
		for range 100 {
			if err := l.Handle(t.Context(), recordNow("r")); err != nil {
				t.Error(err)
			}
		}
		restore()
		if n := strings.Count(text(t, path), "\n"); n != 101 || l.Broken() != nil {
			t.Errorf("%d lines, want all 101; broken: %v", n, l.Broken())
		}
		if n := strings.Count(logged.String(), "is not rotated"); n != 1 || !strings.Contains(logged.String(), "permission denied") {
			t.Errorf("logged %s, want it once, and why", &logged)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rotateAgain + time.Second)
		write(t, l, "r2")
		checkHas(t, path, "r2")
	})
}

// TestNameTooLong: a rotation that can never succeed, with midnights in between.
func TestNameTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), strings.Repeat("a", 240))
		l := openAt(t, Options{Target: path})
		for range 3 {
			write(t, l, "r1")
			time.Sleep(25 * time.Hour)
		}
		checkHas(t, path, "r1", "r1", "r1")
	})
}

// TestUnwritable: a file that was replaced by what nobody can write to.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		l := openAt(t, Options{Target: path})
		write(t, l, "r1")
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		if err := l.Handle(t.Context(), recordNow("lost")); err == nil {
			t.Error("a record was written to a file that is gone")
		}
		time.Sleep(time.Minute)
		if l.Broken() == nil {
			t.Error("the trail is not broken")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := l.Broken(); err != nil {
			t.Error(err)
		}
		write(t, l, "r2")
		checkHas(t, path, "r2")
	})
}
