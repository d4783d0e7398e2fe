package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// faster is how many times as fast as in deploy/prometheus time runs for the rules here:
// a window of five minutes has ten seconds.
const faster = 30

// shortest is what a window has at least: five scrapes.
const shortest = 5 * time.Second

// window is a range in an expression: [5m].
var window = regexp.MustCompile(`\[(\d+)([smhd])\]`)

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// quicken returns a file of rules in which windows, and how long an alert waits before it
// fires, are so many times as short.
func quicken(rules []byte) ([]byte, error) {
	var file struct {
		Groups []struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(rules, &file); err != nil {
		return nil, fmt.Errorf("parse rules: %w", err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			expr, ok := rule["expr"].(string)
			if !ok {
				return nil, fmt.Errorf("rule in group %s: it has no expr", group.Name)
			}
			rule["expr"] = window.ReplaceAllStringFunc(expr, func(w string) string {
				return "[" + shorter(window.FindStringSubmatch(w)[1:], shortest).String() + "]"
			})
			if wait, ok := rule["for"].(string); ok {
				parts := window.FindStringSubmatch("[" + wait + "]")
				if parts == nil {
					return nil, fmt.Errorf("rule in group %s: for: %q is not a number and s, m, h or d", group.Name, wait)
				}
				rule["for"] = shorter(parts[1:], 0).String()
			}
		}
	}
	return yaml.Marshal(file)
}

// shorter is a duration of a number and a unit, made short, but not below least.
func shorter(parts []string, least time.Duration) time.Duration {
	n, _ := strconv.Atoi(parts[0]) // digits
	return max(time.Duration(n)*units[parts[1]]/faster, least)
}

// writeRules writes the rules of deploy/prometheus, made quick, into a folder.
func writeRules(folder string) error {
	files, err := filepath.Glob("../deploy/prometheus/*.rules.yml")
	if err != nil {
		return err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		quick, err := quicken(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), quick, 0o644); err != nil {
			return err
		}
	}
	return nil
}
