package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fileMode = 0o640 // whoever reads the audit log is in the group
	dirMode  = 0o750
)

// file is a file of whole lines that is rotated at midnight UTC and at a size. Two
// processes may append to one, as the one that ends does beside its successor.
type file struct {
	path   string
	limit  int64 // bytes at which it is rotated before the day is over
	keep   time.Duration
	logger *slog.Logger

	mu         sync.Mutex
	current    *os.File
	info       os.FileInfo // of current
	day        time.Time   // when the UTC day of its first record began
	torn       bool        // it ends in half a line
	closed     bool
	rotateNext time.Time // not before: the last rotation was refused
	failedAt   time.Time // when a record last was not written

	failed  atomic.Pointer[error] // of the last record, or nil
	rotated chan struct{}         // capacity 1: there is something to compress
	work    sync.WaitGroup
	ended   context.Context // when no more work is to be done
	end     context.CancelFunc
}

// openFile opens the file at the target's path. It is rotated at midnight UTC,
// since a file goes as a whole: one that held more than a day would keep a record
// for longer than the retention. So a record is kept for that long and up to a day
// and an hour more.
func openFile(o Options) (*Log, error) {
	f := &file{
		path: o.Target, limit: int64(o.MaxMegabytes) << 20, keep: time.Duration(o.RetentionDays) * 24 * time.Hour,
		logger: o.Logger, rotated: make(chan struct{}, 1),
	}
	err := f.open()
	if err == nil {
		// What a link leads to is what is rotated and removed.
		f.path, err = filepath.EvalSymlinks(f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("audit log %q: %w; use %s, %s or the path of a file that can be written to", o.Target, err, Stdout, OTLP)
	}
	l := openLines(o, f, f.broken, f.close) // before a file is rotated that has chains in it
	f.rotateIfDue()
	f.ended, f.end = context.WithCancel(context.Background())
	f.work.Go(f.maintain)
	return l, nil
}

// open opens, or makes, the file at the path in place of the current one.
func (f *file) open() error {
	if err := os.MkdirAll(filepath.Dir(f.path), dirMode); err != nil {
		return err
	}
	next, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	info, err := next.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	torn := false
	if err == nil {
		torn, err = endsTorn(next)
	}
	if err != nil {
		return errors.Join(err, next.Close())
	}
	share(next)
	if f.current != nil {
		_ = f.current.Close() // each line of it was written or has failed
	}
	f.current, f.info, f.torn, f.day = next, info, torn, dayOf(firstTime(next, info))
	return nil
}

// Write appends a whole line, or fails: what was written of it is taken away again, or
// else ended, so that no other line is part of it.
func (f *file) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.write(line); err != nil {
		f.fail(err)
		return 0, err
	}
	f.recovered()
	return len(line), nil
}

func (f *file) write(line []byte) error {
	info, err := f.follow()
	if err != nil {
		return err
	}
	if reason := f.due(time.Now(), info.Size(), len(line)); reason != "" {
		f.rotate(time.Now(), reason)
	}
	return f.append(line)
}

// follow makes the file at the path the current one, should it have been removed, moved
// or rotated by somebody else.
func (f *file) follow() (os.FileInfo, error) {
	if f.closed {
		return nil, os.ErrClosed
	}
	info, err := os.Stat(f.path)
	switch {
	case err == nil && os.SameFile(info, f.info):
		return info, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return f.current.Stat() // nobody can tell, and it takes lines
	}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("open audit log anew: %w", err)
	}
	return f.info, nil
}

func (f *file) close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	err := f.current.Close()
	f.mu.Unlock()
	f.end()
	done := make(chan struct{})
	go func() {
		f.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done(): // what is left of it, the next process does
	}
	if err != nil {
		return fmt.Errorf("close audit log: %w", err)
	}
	return nil
}
