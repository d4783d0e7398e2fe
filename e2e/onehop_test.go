package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// arrangements are the ways to run the global plugins, by E2E_PLUGINS: the four
// apart, as kong.yaml has them, or in one hop. The suite is the same.
var arrangements = map[string]func(kongConfig, dir string) (path string, err error){
	"":       func(kongConfig, _ string) (string, error) { return kongConfig, nil },
	"apart":  func(kongConfig, _ string) (string, error) { return kongConfig, nil },
	"onehop": writeOneHop,
}

// oneHop reports whether the suite runs with the plugins in one hop.
func oneHop() bool { return os.Getenv("E2E_PLUGINS") == "onehop" }

// arrange returns the path of a kong.yaml with the plugins as E2E_PLUGINS says,
// which it writes into dir if it is not the repository's.
func arrange(dir string) (path string, err error) {
	kongConfig, err := filepath.Abs("../kong.yaml")
	if err != nil {
		return "", err
	}
	name := os.Getenv("E2E_PLUGINS")
	write, ok := arrangements[name]
	if !ok {
		return "", fmt.Errorf("E2E_PLUGINS=%q is unknown: use apart or onehop", name)
	}
	return write(kongConfig, dir)
}

// writeOneHop writes kong.yaml with one plugin in place of the global ones.
func writeOneHop(kongConfig, dir string) (string, error) {
	text, err := os.ReadFile(kongConfig)
	if err != nil {
		return "", err
	}
	var root map[string]any
	if err := yaml.Unmarshal(text, &root); err != nil {
		return "", fmt.Errorf("decode %s: %w", kongConfig, err)
	}
	config := map[string]any{}
	var run []string
	for _, entry := range root["plugins"].([]any) {
		plugin := entry.(map[string]any)
		section := strings.ReplaceAll(plugin["name"].(string), "-", "_")
		run = append(run, section)
		config[section] = map[string]any{}
		if plugin["config"] != nil {
			config[section] = plugin["config"]
		}
	}
	config["run"] = run
	root["plugins"] = []any{map[string]any{"name": "gatehouse", "config": config}}
	if text, err = yaml.Marshal(root); err != nil {
		return "", fmt.Errorf("encode the one-hop config: %w", err)
	}
	path := filepath.Join(dir, "onehop.yaml")
	return path, os.WriteFile(path, text, 0o644)
}
