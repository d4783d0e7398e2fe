package auditlog

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maintainEvery bounds how long a clock that was set anew goes unnoticed.
const maintainEvery = time.Hour

// maintain compresses and removes rotated files, at the start, after each rotation, at
// midnight UTC and once an hour; and rotates at midnight, should no record do so.
func (f *file) maintain() {
	for {
		if err := f.sweep(f.ended); err != nil && f.ended.Err() == nil {
			f.logger.Error("old audit logs are not all compressed and removed: this is tried again within the hour", "file", f.path, "error", err)
		}
		now := time.Now()
		timer := time.NewTimer(min(dayOf(now).Add(24*time.Hour).Sub(now), maintainEvery))
		select {
		case <-f.ended.Done():
			timer.Stop()
			return
		case <-f.rotated:
			timer.Stop()
		case <-timer.C:
			f.rotateIfDue()
		}
	}
}

// sweep removes the rotated files that are older than the retention, and compresses
// the others.
func (f *file) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return fmt.Errorf("list audit logs: %w", err)
	}
	var errs []error
	var young []string
	for _, entry := range entries {
		name := filepath.Join(filepath.Dir(f.path), entry.Name())
		switch at, compressed, ok := rotatedAt(f.path, name); {
		case !ok || !entry.Type().IsRegular():
		case time.Since(at) > f.keep:
			errs = append(errs, unlessGone(os.Remove(name)))
		case !compressed:
			young = append(young, name)
		}
	}
	for _, name := range young {
		errs = append(errs, unlessGone(compress(ctx, name)))
	}
	return errors.Join(errs...)
}

// unlessGone passes over what another process has removed.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// compress replaces a file by its compressed form, unless somebody still writes to it.
// Whenever it is cut off, the file is still there.
func compress(ctx context.Context, name string) error {
	in, err := os.OpenFile(name, os.O_RDWR, 0) // on NFS, what is not written to is not locked
	if err != nil {
		return fmt.Errorf("compress audit log: %w", err)
	}
	defer in.Close()
	if errors.Is(lockAlone(in), errInUse) || !exists(name) {
		return nil // in use, or another process has done it
	}
	temporary := name + compressedExt + temporaryExt
	err = writeCompressed(temporary, reader{ctx, in})
	if err == nil {
		err = os.Rename(temporary, name+compressedExt)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("compress audit log %s: %w", name, err), os.Remove(temporary))
	}
	return os.Remove(name)
}

func writeCompressed(name string, in io.Reader) error {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(out)
	_, err = io.Copy(packed, in)
	return errors.Join(err, packed.Close(), out.Sync(), out.Close())
}

// reader reads until ctx ends.
type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements [io.Reader].
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
