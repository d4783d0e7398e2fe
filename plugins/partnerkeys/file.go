package partnerkeys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/internal/filelock"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// File is an overlay of keys that is this process's alone until [File.Close].
type File struct {
	Set  *Set
	path string
	lock *os.File
}

// Open reads the keys of a file, none if it is not there yet. It waits until ctx ends for
// another process that has it open. A file in a git work tree is refused, and so is one
// that others can read. What killed commands left of it is removed.
func Open(ctx context.Context, path string) (*File, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path}
	if f.lock, err = lock(ctx, path); err != nil {
		return nil, err
	}
	if err := atomicfile.Clean(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.Set, err = read(path)
	if errors.Is(err, os.ErrNotExist) {
		f.Set, err = &Set{}, nil
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read reads the keys of a file as it is now. It waits for nobody: a file is whole at any
// time.
func Read(path string) (*Set, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	return read(path)
}

func read(path string) (*Set, error) {
	text, err := kongyaml.ReadOverlay(path)
	if err != nil {
		return nil, err
	}
	return Parse(kongyaml.File{Name: path, Text: text})
}

// Save writes the keys. If the process dies meanwhile, the file is as it was.
func (f *File) Save() error {
	text, err := f.Set.Text()
	if err != nil {
		return err
	}
	return kongyaml.WriteOverlay(f.path, text)
}

// Close lets other processes have the file.
func (f *File) Close() error { return f.lock.Close() }

// resolve is the path of the file itself, outside of every work tree.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("name the file of keys with --keys or GATEHOUSE_KEYS, outside of every repository, such as /etc/gatehouse/partner-keys.yaml")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	} else if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return "", fmt.Errorf("keep keys in %s: it is a link that leads nowhere: name the file that it is to lead to", path)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("keep keys in %s: %w: make the folder, for its owner alone (mkdir -m 700)", path, err)
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return "", fmt.Errorf("keep keys in %s: it is in the git work tree %s: name a file outside of every repository with --keys", path, at)
		}
		if isRepository(at) {
			return "", fmt.Errorf("keep keys in %s: it is in the git repository %s: name a file outside of every repository with --keys", path, at)
		}
		if at == filepath.Dir(at) {
			return filepath.Join(folder, filepath.Base(path)), nil
		}
	}
}

// isRepository reports whether git takes a folder for a repository without a work tree
// (gitrepository-layout(5)).
func isRepository(folder string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// lock locks a file beside the one at path, which is another file after each write. The
// kernel ends the lock with the process.
func lock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	err = filelock.Take(ctx, f, func() {})
	if errors.Is(err, filelock.ErrTaken) {
		return nil, fmt.Errorf("lock %s: another gatehouse keys has it: try again when that is done", path)
	}
	return f, err
}
