package regularfile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	must(t, os.WriteFile(path, []byte("text"), 0o640))
	must(t, os.Chmod(path, 0o640))
	must(t, os.Symlink(path, link))
	for _, name := range []string{path, link} {
		text, mode, err := regularfile.ReadMode(name)
		if string(text) != "text" || mode != 0o640 || err != nil {
			t.Errorf("%s: %q, %v, %v", name, text, mode, err)
		}
	}
}

// TestNoRegularFile wants an error that names the file, and no wait. A pipe without a
// writer would wait for ever.
func TestNoRegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, link, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.Symlink(pipe, link))
	listener, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	for path, want := range map[string]string{
		pipe: "is a pipe, and no regular file", link: "is a pipe", socket: "is a socket",
		dir: "is a directory", os.DevNull: "is a device", filepath.Join(dir, "none"): "no such file",
	} {
		text, err := regularfile.Read(path)
		var named *fs.PathError
		if text != nil || !errors.As(err, &named) || named.Path != path || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %q", path, text, err, want)
		}
	}
}
