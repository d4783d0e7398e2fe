package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// writeArchive packs files, by their name in the archive, in the order of the names and all
// of one time and nobody's.
func writeArchive(path string, files map[string]string, made time.Time) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	pack := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := add(pack, name, files[name], made); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(pack.Close(), zip.Close(), f.Close())
}

func add(pack *tar.Writer, name, from string, made time.Time) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if _, program := programs[filepath.Base(name)]; program {
		mode = 0o755
	}
	header := &tar.Header{Name: name, Mode: mode, Size: int64(len(content)), ModTime: made, Format: tar.FormatPAX}
	if err := pack.WriteHeader(header); err != nil {
		return err
	}
	_, err = pack.Write(content)
	return err
}

// writeSums writes what `sha256sum -c SHA256SUMS` reads.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		sum, err := sumOf(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, e.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return sum.Sum(nil), errors.Join(err, f.Close())
}
