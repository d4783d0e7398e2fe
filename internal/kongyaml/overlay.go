package kongyaml

import (
	"fmt"
	"io"
	"os"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
)

// WriteOverlay writes a file that holds secrets: its owner alone can read it, and a
// reader sees all of it or what was there before.
func WriteOverlay(path string, text []byte) error {
	return atomicfile.Write(path, text, 0o600)
}

// ReadOverlay reads a file that holds secrets, unless others than its owner can too. The
// error of a file that is not there is [os.ErrNotExist].
func ReadOverlay(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read overlay: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read overlay: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read overlay: %s holds secrets and others can read it (mode %04o): chmod 600 %[1]s, and replace the secrets if others had the chance", path, mode)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read overlay %s: %w", path, err)
	}
	return text, nil
}
