package kongyaml

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// WriteOverlay writes a file that holds secrets: its owner alone can read it, and a
// reader sees all of it or what was there before.
func WriteOverlay(path string, text []byte) error {
	return atomicfile.Write(path, text, 0o600)
}

// forOthers are the bits that open a file to everybody. A group may have a file: that is
// how a container gets secrets that are not its own.
const forOthers = 0o007

// ReadOverlay reads a file that holds secrets, unless everybody can. The error of a file
// that is not there is [os.ErrNotExist].
func ReadOverlay(path string) ([]byte, error) {
	text, mode, err := regularfile.ReadMode(path)
	if err != nil {
		return nil, fmt.Errorf("read overlay: %w", err)
	}
	if mode = mode.Perm(); mode&forOthers != 0 {
		return nil, fmt.Errorf("read overlay: %s holds secrets, and its mode %#o opens it to everybody: chmod 600 %[1]s, and replace the secrets if others had the chance", path, mode)
	}
	return text, nil
}
