// Package releasefiles keeps what a release leaves on disk: the texts of the configs, the
// state of a release that is not finished, and the record of all.
package releasefiles

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/plugins/release"
)

// Folder holds the files of one gateway's releases. What is in it is secret.
type Folder string

// The files in a folder.
const (
	openFile   = "unfinished.json"
	recordFile = "releases.jsonl"
	configs    = "configs"
)

// Open makes the folder where it is missing, and sees that it is its owner's alone.
func Open(path string) (Folder, error) {
	if err := os.MkdirAll(filepath.Join(path, configs), 0o700); err != nil {
		return "", fmt.Errorf("make the folder of releases: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the folder of releases: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("the folder of releases %s holds secrets, and its mode %#o opens it to everybody: chmod 700 %[1]s", path, info.Mode().Perm())
	}
	return Folder(path), nil
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Unfinished is what is known of a release that did not end.
type Unfinished struct {
	Release
	State release.State `json:"state"`
}

// Release says what a release is, and who does it.
type Release struct {
	ID     string    `json:"release"`
	Kind   string    `json:"kind"` // apply or rollback
	Who    string    `json:"who"`
	Host   string    `json:"host"`
	Began  time.Time `json:"began"`
	Fence  int64     `json:"fence"`
	Reason string    `json:"reason,omitempty"` // why peak hours did not hold it up
	// Before and After are the hashes of the two texts. BeforeToo are hashes of texts that
	// are the config before in other words.
	Before    string   `json:"before"`
	BeforeToo []string `json:"before_too,omitempty"`
	After     string   `json:"after"`
}

// Save writes an unfinished release down.
func (f Folder) Save(u Unfinished) error {
	text, err := json.MarshalIndent(u, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(f.path(openFile), append(text, '\n'), 0o600)
}

// Unfinished is the release that did not end, nil if there is none.
func (f Folder) Unfinished() (*Unfinished, error) {
	text, err := os.ReadFile(f.path(openFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the unfinished release: %w", err)
	}
	var u Unfinished
	if err := json.Unmarshal(text, &u); err != nil {
		return nil, fmt.Errorf("read the unfinished release %s: %w", f.path(openFile), err)
	}
	return &u, nil
}

// Close forgets an unfinished release that has ended.
func (f Folder) Close() error {
	if err := os.Remove(f.path(openFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the release that ended: %w", err)
	}
	return nil
}

// hash is how a config's text is called.
var hash = regexp.MustCompile(`^[0-9a-f]{32}$`)

// kept is how many texts of configs are kept, those that were needed last.
const kept = 20

// Keep writes the text of a config.
func (f Folder) Keep(of string, text []byte) error {
	if !hash.MatchString(of) {
		return fmt.Errorf("keep a config: %q is no hash of one", of)
	}
	if err := atomicfile.Write(f.config(of), text, 0o600); err != nil {
		return err
	}
	return f.drop()
}

func (f Folder) config(of string) string { return filepath.Join(string(f), configs, of+".yaml") }

// Config is the text of a config, nil if it is not kept.
func (f Folder) Config(of string) ([]byte, error) {
	if !hash.MatchString(of) {
		return nil, nil
	}
	text, err := os.ReadFile(f.config(of))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a config that was kept: %w", err)
	}
	return text, nil
}

// drop removes the oldest texts.
func (f Folder) drop() error {
	entries, err := os.ReadDir(f.path(configs))
	if err != nil {
		return fmt.Errorf("read the configs that are kept: %w", err)
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	var errs []error
	for _, old := range files[min(kept, len(files)):] {
		errs = append(errs, os.Remove(filepath.Join(f.path(configs), old.Name())))
	}
	return errors.Join(errs...)
}

// Record is a line of the record: a step of a release, or its end.
type Record struct {
	Time time.Time `json:"time"`
	Release
	// Event is begin, put, smoke, bake or end.
	Event   string  `json:"event"`
	Replica string  `json:"replica,omitempty"`
	Runs    string  `json:"runs,omitempty"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"` // of the step; at the end, of the release
	// Outcome, Why and Replicas are the end's: how it ended, what had it taken back, and
	// what runs where.
	Outcome  release.Outcome   `json:"outcome,omitempty"`
	Why      string            `json:"why,omitempty"`
	Replicas []release.Replica `json:"replicas,omitempty"`
}

// Append adds a line to the record.
func (f Folder) Append(r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(recordFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the record of releases: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the record of releases: %w", err)
	}
	return nil
}

// Ended are the ends of releases, the oldest first. A line that was cut off is left out.
func (f Folder) Ended() (list []Record, err error) {
	text, err := os.ReadFile(f.path(recordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the record of releases: %w", err)
	}
	for line := range bytes.Lines(text) {
		var r Record
		if json.Unmarshal(line, &r) == nil && r.Event == "end" {
			list = append(list, r)
		}
	}
	return list, nil
}
