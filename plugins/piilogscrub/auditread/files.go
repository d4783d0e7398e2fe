package auditread

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// File is a file of an audit log.
type File struct {
	Path string
	// Log is the path of the log that the file was found for, which is that of the file
	// that is written to. Empty where the file was named itself.
	Log   string
	place place
}

// place is where among its log's files a file belongs, by its name.
type place struct {
	rotated bool
	stamp   string // digits of the time at which it was rotated
	number  int    // logrotate's: the higher, the older
}

// The names of rotated files: ours, and logrotate's two.
var (
	rotated  = regexp.MustCompile(`^(.+)-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})-[a-z0-9_]+(\.[^.]*)?$`)
	dated    = regexp.MustCompile(`^(.+)-(\d{8})(?:-\d+)?$`)
	numbered = regexp.MustCompile(`^(.+)\.(\d{1,4})$`)
)

const compressed = ".gz"

// parseName is the name of a file's log, and its place there.
func parseName(name string) (log string, p place) {
	name = strings.TrimSuffix(name, compressed)
	if m := rotated.FindStringSubmatch(name); m != nil {
		return m[1] + m[3], place{rotated: true, stamp: digits(m[2])}
	}
	if m := dated.FindStringSubmatch(name); m != nil {
		return m[1], place{rotated: true, stamp: m[2]}
	}
	if m := numbered.FindStringSubmatch(name); m != nil {
		n, _ := strconv.Atoi(m[2]) // four digits
		return m[1], place{rotated: true, number: n}
	}
	return name, place{}
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// Find is the files at paths, and those in paths that are folders, oldest first. Files
// whose names say nothing of their age come last, in the order of paths. A file that is
// there compressed and not compressed is one. A path at which there is nothing is a file,
// for whoever opens it to tell of.
func Find(paths ...string) ([]File, error) {
	var files []File
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			_, p := parseName(filepath.Base(path))
			files = append(files, File{Path: filepath.Clean(path), place: p})
			continue
		}
		list, err := inFolder(path)
		if err != nil {
			return nil, fmt.Errorf("find audit files: %w", err)
		}
		files = append(files, list...)
	}
	return inOrder(files), nil
}

// OfLog is the files of the log at path, oldest first. There may be none yet.
func OfLog(path string) ([]File, error) {
	all, err := inFolder(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find audit files: %w", err)
	}
	return inOrder(slices.DeleteFunc(all, func(f File) bool { return f.Log != filepath.Clean(path) })), nil
}

func inFolder(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") {
			continue // a file that is being compressed is a .tmp
		}
		log, p := parseName(name)
		files = append(files, File{Path: filepath.Join(dir, name), Log: filepath.Join(dir, log), place: p})
	}
	return files, nil
}

func inOrder(files []File) []File {
	there := map[string]bool{}
	for _, f := range files {
		there[f.Path] = true
	}
	seen := map[string]bool{}
	files = slices.DeleteFunc(files, func(f File) bool {
		plain, isCompressed := strings.CutSuffix(f.Path, compressed)
		double := seen[f.Path] || isCompressed && there[plain]
		seen[f.Path] = true
		return double
	})
	slices.SortStableFunc(files, func(a, b File) int { return a.place.compare(b.place) })
	return files
}

func (p place) compare(q place) int {
	if p.rotated != q.rotated {
		if p.rotated {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(p.stamp, q.stamp), cmp.Compare(q.number, p.number))
}
