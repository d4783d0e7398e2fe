// Package filelock keeps processes of one machine from doing one thing at once.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// retry is how often a lock is tried that another process has.
const retry = 50 * time.Millisecond

// ErrTaken is the error of a lock that somebody else still had when ctx ended.
var ErrTaken = errors.New("somebody else has it")

// Take locks an open file or folder until it is closed, or the process ends. wait is called
// once, if somebody else has it. Without a lock the file is closed.
func Take(ctx context.Context, f *os.File, wait func()) error {
	for waited := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		if !waited {
			waited = true
			wait()
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("lock %s: %w", f.Name(), ErrTaken), f.Close())
		case <-time.After(retry):
		}
	}
}
