// Package atomicfile writes files that are whole at any time: a reader sees what was
// there, or all that took its place.
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
)

// Write puts content into the file at path, with a mode that no umask takes from. Where
// it fails, the file is as it was.
func Write(path string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
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
