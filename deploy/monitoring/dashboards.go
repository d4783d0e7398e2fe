package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Dashboard is a Grafana dashboard, as far as it is checked.
type Dashboard struct {
	File       string `json:"-"`
	UID, Title string
	Tags       []string
	Templating struct {
		List []struct{ Name, Type string }
	}
	Panels []Panel
}

// Panel is one picture in it.
type Panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct {
		Expr, RefID string
		Datasource  struct{ UID string }
	}
}

// Dashboards are all files of a folder.
func Dashboards(dir string) (all []Dashboard, err error) {
	err = each(dir, "*.json", func(file string, text []byte) error {
		d := Dashboard{File: file}
		if err := json.Unmarshal(text, &d); err != nil {
			return err
		}
		all = append(all, d)
		return nil
	})
	return all, err
}

// each reads the files of a folder whose names are like a pattern.
func each(dir, pattern string, read func(file string, text []byte) error) error {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := read(filepath.Base(file), text); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	}
	return nil
}
