package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var made = time.Date(2026, time.November, 30, 0, 0, 0, 0, time.UTC)

// TestArchive: what goes in comes out, programs may be run, and nothing tells of the machine.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{"a/gatehouse": write(t, dir, "one", "program"), "a/LICENSE": write(t, dir, "two", "text")}
	first, second := filepath.Join(dir, "1.tar.gz"), filepath.Join(dir, "2.tar.gz")
	for _, path := range []string{first, second} {
		if err := writeArchive(path, files, made); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(files["a/LICENSE"], time.Now(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	packed := read(t, first)
	if !bytes.Equal(packed, read(t, second)) {
		t.Error("packed twice, the archive has other bytes")
	}
	want := "a/LICENSE -rw-r--r-- 0 2026-11-30T00:00:00Z text\na/gatehouse -rwxr-xr-x 0 2026-11-30T00:00:00Z program\n"
	if got := listing(t, packed); got != want {
		t.Errorf("the archive has\n%swant\n%s", got, want)
	}
}

// TestDescribe: a commit is the release where it has its tag alone.
func TestDescribe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false", "-C", dir}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	is := func(name, want string) {
		if got, err := describe(t.Context(), dir, "0.1.0"); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", name, got, err, want)
		}
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "one")
	is("a commit before the tag", git("rev-parse", "--short=12", "HEAD"))
	git("tag", "v0.0.9")
	is("one with another tag", git("rev-parse", "--short=12", "HEAD"))
	git("tag", "v0.1.0")
	is("the tag", "v0.1.0")
	git("commit", "-q", "--allow-empty", "-m", "two")
	is("a commit after it", "v0.1.0-1-g"+git("rev-parse", "--short=12", "HEAD"))
}

func TestSums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "b", "2")
	write(t, dir, "a", "1")
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	want := "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a\n" +
		"d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35  b\n"
	if got := string(read(t, filepath.Join(dir, "SHA256SUMS"))); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestBill: the bill of a program names itself, Go, and the modules in it with their hashes,
// twice with the same bytes.
func TestBill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "dist")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first, second := filepath.Join(dir, "1.json"), filepath.Join(dir, "2.json")
	if err := errors.Join(writeBill(binary, "dist", "0.1.0", first), writeBill(binary, "dist", "0.1.0", second)); err != nil {
		t.Fatal(err)
	}
	text := read(t, first)
	if !bytes.Equal(text, read(t, second)) {
		t.Error("made twice, the bill has other bytes")
	}
	var bill struct {
		BOMFormat string
		Metadata  struct {
			Timestamp string
			Component struct{ Name, Version, Type string }
		}
		Components []struct {
			PURL       string
			Properties []struct{ Value string }
		}
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if c := bill.Metadata.Component; bill.BOMFormat != "CycloneDX" || bill.Metadata.Timestamp != "" || c.Name != "dist" || c.Version != "v0.1.0" || c.Type != "application" {
		t.Errorf("the bill says of itself %+v", bill.Metadata)
	}
	var has []string
	for _, c := range bill.Components {
		if strings.HasPrefix(c.PURL, "pkg:golang/github.com/CycloneDX/cyclonedx-go@v") && len(c.Properties) == 1 && len(c.Properties[0].Value) == 64 {
			has = append(has, "library")
		}
		if strings.HasPrefix(c.PURL, "pkg:golang/std@1.") {
			has = append(has, "std")
		}
	}
	if got := strings.Join(has, " "); got != "std library" {
		t.Errorf("of what must be there it has %q:\n%s", got, text)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// listing has a line for each file of an archive: name, mode, owner, time, text.
func listing(t *testing.T, packed []byte) string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	pack, list := tar.NewReader(zip), ""
	for {
		h, err := pack.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(pack)
		if err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("%s %v %d %s %s\n", h.Name, h.FileInfo().Mode(), h.Uid, h.ModTime.UTC().Format(time.RFC3339), text)
	}
}
