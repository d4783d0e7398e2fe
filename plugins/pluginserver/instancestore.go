package pluginserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// Configurations hold secrets: nobody else may read them.
	storeMode  fs.FileMode = 0o700
	storedMode fs.FileMode = 0o600
)

// instanceStore keeps the configurations of started instances in a directory,
// a file each, for the process that takes this one's place: Kong goes on using
// the ids that it was given.
//
// That is not a convenience. A worker of Kong 3.9 whose instance id is unknown
// starts all instances of the plugin anew, and one that does so over a pooled
// connection to a process that was killed never releases its claim on the
// instance: all requests of that plugin wait for 10 s (plugin.lua,
// get_instance_id).
type instanceStore struct{ dir string }

// storedInstance is the content of a file.
type storedInstance struct {
	Plugin string          `json:"plugin"`
	Config json.RawMessage `json:"config"`
}

func openInstanceStore(dir string) (*instanceStore, error) {
	if err := os.MkdirAll(dir, storeMode); err != nil {
		return nil, fmt.Errorf("make the directory of started instances: %w; name one that this user may make, or none", err)
	}
	return &instanceStore{dir}, nil
}

func (s *instanceStore) path(id int32) string {
	return filepath.Join(s.dir, strconv.Itoa(int(id))+".json")
}

// load reads an instance. The error is fs.ErrNotExist if there is none.
func (s *instanceStore) load(id int32) (storedInstance, error) {
	var stored storedInstance
	text, err := os.ReadFile(s.path(id))
	if err != nil {
		return stored, err
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return stored, fmt.Errorf("decode %s: %w", s.path(id), err)
	}
	return stored, nil
}

// save writes an instance. Whoever reads it meanwhile reads all of it or
// nothing, and a process that is killed meanwhile leaves nothing half done.
func (s *instanceStore) save(id int32, stored storedInstance) error {
	text, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("encode instance: %w", err)
	}
	temporary := fmt.Sprintf("%s.%d", s.path(id), os.Getpid())
	if err := os.WriteFile(temporary, text, storedMode); err != nil {
		return fmt.Errorf("save instance: %w", err)
	}
	if err := os.Rename(temporary, s.path(id)); err != nil {
		return errors.Join(fmt.Errorf("save instance: %w", err), os.Remove(temporary))
	}
	return nil
}

func (s *instanceStore) remove(id int32) error {
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove instance: %w", err)
	}
	return nil
}

// sweep removes the files of before that known does not know: of instances
// which Kong asked an earlier process for, and never asked for again. Files of other
// names are somebody else's.
func (s *instanceStore) sweep(before time.Time, known func(id int32) bool) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("list instances: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.ModTime().After(before) {
			continue
		}
		number, _, _ := strings.Cut(entry.Name(), ".") // of a temporary file, too
		id, err := strconv.ParseInt(number, 10, 32)
		if err != nil || known(int32(id)) {
			continue
		}
		errs = append(errs, os.Remove(filepath.Join(s.dir, entry.Name())))
	}
	return errors.Join(errs...)
}
