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
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := Dashboard{File: filepath.Base(file)}
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, d)
	}
	return all, nil
}
