package partnerkeys_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

func open(t *testing.T, path string) *partnerkeys.File {
	t.Helper()
	f, err := partnerkeys.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// However many change the file at once, no key is lost.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	const writers, each = 8, 5
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				f, err := partnerkeys.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				f.Set.Issue("acme", now)
				if err := f.Save(); err != nil {
					t.Error(err)
				}
				if _, err := partnerkeys.Read(path); err != nil { // waits for nobody
					t.Error(err)
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s, err := partnerkeys.Read(path)
	if err != nil || len(s.All()) != writers*each {
		t.Fatalf("%d keys, error %v, want %d", len(s.All()), err, writers*each)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

// What is not saved, is not there: a process that dies in the middle leaves what was.
func TestUnsavedIsAsBefore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	f := open(t, path)
	first := f.Set.Issue("acme", now)
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	f.Set.Issue("acme", now)
	f.Set.Drop(first)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	defer again.Close()
	if left := again.Set.All(); len(left) != 1 || left[0].ID != first.ID {
		t.Errorf("left %v", left)
	}
}

// Copies that killed commands left are removed, and a link stays one.
func TestLeftoversAndLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link, copied := filepath.Join(dir, "keys.yaml"), filepath.Join(dir, "link.yaml"), filepath.Join(dir, ".new-keys.yaml-1234")
	for _, name := range []string{path, copied} {
		if err := os.WriteFile(name, []byte("_format_version: '3.0'"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	f := open(t, link)
	defer f.Close()
	f.Set.Issue("acme", now)
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(copied); !os.IsNotExist(err) {
		t.Errorf("the copy is there: error %v", err)
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("link to %q, error %v", to, err)
	}
	if s, err := partnerkeys.Read(path); err != nil || len(s.All()) != 1 {
		t.Errorf("error %v", err)
	}
}

func TestOpenWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	f := open(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := partnerkeys.Open(ctx, path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another gatehouse keys has it") {
		t.Errorf("error %v", err)
	}
	opened := make(chan error, 1)
	go func() {
		second, err := partnerkeys.Open(t.Context(), path)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree, inside := filepath.Join(dir, "tree"), filepath.Join(dir, "tree", "deploy")
	bare := filepath.Join(dir, "bare.git")
	for _, folder := range []string{filepath.Join(tree, ".git"), inside, filepath.Join(bare, "objects"), filepath.Join(bare, "refs")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, text string, mode os.FileMode) string {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(filepath.Join(bare, "HEAD"), "ref: refs/heads/main", 0o600)
	dangling := filepath.Join(dir, "dangling.yaml")
	if err := os.Symlink(filepath.Join(dir, "nowhere.yaml"), dangling); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(dir, "linked.yaml")
	if err := os.Symlink(write(filepath.Join(inside, "real.yaml"), "", 0o600), linked); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path  string
		wants []string
	}{
		"no name":        {"", []string{"-keys", "GATEHOUSE_KEYS", "outside of every repository"}},
		"in a work tree": {filepath.Join(inside, "keys.yaml"), []string{"git work tree " + tree, "-keys"}},
		"linked to one":  {linked, []string{"git work tree " + tree}},
		"in a bare one":  {filepath.Join(bare, "keys.yaml"), []string{"git repository " + bare, "-keys"}},
		"a dead link":    {dangling, []string{dangling, "a link that leads nowhere"}},
		"no folder":      {filepath.Join(dir, "none", "keys.yaml"), []string{"none", "mkdir"}},
		"others read it": {write(filepath.Join(dir, "open.yaml"), "_format_version: '3.0'", 0o644), []string{"open.yaml", "0644", "chmod 600"}},
		"malformed":      {write(filepath.Join(dir, "bad.yaml"), "services: []", 0o600), []string{"bad.yaml", "services"}},
		"a folder":       {dir, []string{dir}},
	} {
		for do, try := range map[string]func(string) error{
			"open": func(path string) error { _, err := partnerkeys.Open(t.Context(), path); return err },
			"read": func(path string) error { _, err := partnerkeys.Read(path); return err },
		} {
			err := try(tt.path)
			for _, want := range tt.wants {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s, %s: error %v, want one line with %q", name, do, err, want)
				}
			}
		}
	}
	if _, err := partnerkeys.Read(filepath.Join(dir, "later.yaml")); err == nil || !strings.Contains(err.Error(), "later.yaml") {
		t.Errorf("of no file: error %v", err)
	}
}
