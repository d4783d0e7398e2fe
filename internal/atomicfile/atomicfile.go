// Package atomicfile writes files that are whole at any time: a reader sees what was
// there, or all that took its place.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Write puts content into the file at path, or where its links lead, with a mode that no
// umask takes from. Where it fails, the file is as it was. A process that is killed in the
// middle leaves a copy beside the file, which [Clean] removes.
func Write(path string, content []byte, mode os.FileMode) error {
	path, err := follow(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), leftover(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // which is gone where all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// follow is the path of the file itself: a link would be replaced by a file.
func follow(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return target, nil
	}
	if info, statErr := os.Lstat(path); statErr == nil && info.Mode()&os.ModeSymlink != 0 {
		return path, fmt.Errorf("it is a link that leads nowhere: remove it, or make the file: %w", err)
	}
	return path, nil // it is made
}

// leftover begins the name of a file that is to take the place of the one at path; a number
// is behind it.
func leftover(path string) string { return ".new-" + filepath.Base(path) + "-" }

// Clean removes what writers of the file at path left who were killed. Nobody may be
// writing it: the caller has a lock that writers have.
func Clean(path string) error {
	path, err := follow(path)
	if err != nil {
		return fmt.Errorf("clean beside %s: %w", path, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("clean beside %s: %w", path, err)
	}
	var errs []error
	for _, entry := range entries {
		number, ours := strings.CutPrefix(entry.Name(), leftover(path))
		if ours && number != "" && strings.Trim(number, "0123456789") == "" {
			errs = append(errs, os.Remove(filepath.Join(filepath.Dir(path), entry.Name())))
		}
	}
	return errors.Join(errs...)
}
