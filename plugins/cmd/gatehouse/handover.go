package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
)

// What a process leaves to the next is in the folder of started configurations, which
// have numbers for names: what its limits are at, the calls that wait for their access
// line, the access lines that wait for their log event, and how many audit records wait
// for their receiver.
const (
	limitsFile  = "limits.json"
	callsFile   = "calls"
	linesFile   = "lines"
	waitingFile = "waiting"
)

// waitingPath is where the number of waiting audit records is, nowhere without a folder.
func waitingPath(dir string) string {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil { // the next to need it says why
		return ""
	}
	return filepath.Join(dir, waitingFile)
}

// takeOverCalls goes on with the calls of the last process, and keeps this one's for the
// next.
func takeOverCalls(dir string, p *plugins, logger *slog.Logger) {
	if dir == "" {
		return
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = errors.Join(p.onehop.TakeOver(filepath.Join(dir, callsFile)), p.scrubber.TakeOver(filepath.Join(dir, linesFile)))
	}
	if err != nil {
		logger.Error("the audit records of calls under way are lost should this process be killed", "error", err)
	}
}

// handOverCalls leaves the calls under way to the next process, unless forGood says that
// there will be none.
func handOverCalls(p *plugins, forGood <-chan os.Signal) error {
	select {
	case <-forGood:
		return nil
	default:
		return errors.Join(p.onehop.HandOver(), p.scrubber.HandOver())
	}
}

// takeOverLimits goes on from what the last process left in dir, if it did. It is used
// once: what is owed is charged by one process.
func takeOverLimits(dir string, limiter *tenantratelimit.Runtime, logger *slog.Logger) {
	if dir == "" {
		return
	}
	text, err := takeFile(filepath.Join(dir, limitsFile), tenantratelimit.MaxHandOver)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = limiter.TakeOver(text)
	}
	if err != nil {
		logger.Warn("limits begin as of a node that knows nothing", "error", err)
	}
}

// takeFile reads a file and removes it. Of one that is longer than most bytes, it
// reads one more than that.
func takeFile(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// handOverLimits leaves what the limits are at to the next process.
func handOverLimits(dir string, limiter *tenantratelimit.Runtime, logger *slog.Logger) {
	if dir == "" {
		return
	}
	text, err := limiter.HandOver()
	if err == nil {
		err = leaveFile(filepath.Join(dir, limitsFile), text)
	}
	if err != nil {
		logger.Warn("the next process will not know what limits are at", "error", err)
	}
}

// leaveFile writes a file that nobody else may read. Who reads it meanwhile reads all
// of it or nothing.
func leaveFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the directory of %s: %w", path, err)
	}
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temporary))
	}
	return nil
}
