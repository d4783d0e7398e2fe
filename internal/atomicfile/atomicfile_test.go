package atomicfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names are those of the files in a folder.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.yaml")
	for _, text := range []string{"one", "two"} {
		must(t, atomicfile.Write(path, []byte(text), 0o640))
		got, err := os.ReadFile(path)
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if string(got) != text || info.Mode().Perm() != 0o640 {
			t.Errorf("%q of mode %v", got, info.Mode())
		}
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// A link stays one: what it leads to is written. One that leads nowhere is an error.
func TestWriteThroughLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link, dangling := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Symlink("real", link))
	must(t, os.Symlink("none", dangling))
	must(t, atomicfile.Write(link, []byte("new"), 0o600))
	text, err := os.ReadFile(path)
	must(t, err)
	if to, err := os.Readlink(link); err != nil || to != "real" || string(text) != "new" {
		t.Errorf("link to %q, error %v; what it led to holds %q", to, err, text)
	}
	if err := atomicfile.Write(dangling, nil, 0o600); err == nil || !strings.Contains(err.Error(), "a link that leads nowhere") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if to, err := os.Readlink(dangling); err != nil || to != "none" {
		t.Errorf("link to %q, error %v", to, err)
	}
}

// Clean removes what is left of this file, and of no other.
func TestClean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"keys", ".new-keys-123", ".new-keys-4", ".new-keys-x-5", ".new-keys-", ".new-other-1"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("secret"), 0o600))
	}
	must(t, atomicfile.Clean(filepath.Join(dir, "keys")))
	if left := strings.Join(names(t, dir), " "); left != ".new-keys- .new-keys-x-5 .new-other-1 keys" {
		t.Errorf("left %s", left)
	}
	if err := atomicfile.Clean(filepath.Join(dir, "none", "keys")); err == nil {
		t.Error("no error where there is no folder")
	}
}
