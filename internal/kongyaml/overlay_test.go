package kongyaml_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

func TestOverlayFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if _, err := kongyaml.ReadOverlay(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no file: error %v", err)
	}
	for _, text := range []string{"a: 1\n", "b: 2\n"} {
		if err := kongyaml.WriteOverlay(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := kongyaml.ReadOverlay(path); err != nil || string(got) != text {
			t.Errorf("read %q, error %v, want %q", got, err, text)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("files %v, error %v, want one", files, err)
	}
	for _, mode := range []os.FileMode{0o644, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := kongyaml.ReadOverlay(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %#o: error %v", mode, err)
		}
	}
	if err := kongyaml.WriteOverlay(path, []byte("c: 3\n")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("written again: %v, error %v", info, err)
	}
}

func TestWriteOverlayRefuses(t *testing.T) {
	t.Parallel()
	if err := kongyaml.WriteOverlay(filepath.Join(t.TempDir(), "no-such", "keys.yaml"), nil); err == nil {
		t.Error("a folder that is not there is taken")
	}
}
