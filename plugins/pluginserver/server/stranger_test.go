package server

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestStranger builds a stock plugin that knows of go-pdk and of this module alone, and
// asks it for its info. What this module brings into its build is little, and stays so.
// When a requirement has moved: cd testdata/stranger && go mod tidy.
func TestStranger(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "hello")
	goTool(t, "build", "-o", program, ".")

	out, err := exec.CommandContext(t.Context(), program, "-dump").Output()
	var info struct {
		SocketPath string
		Plugins    []struct {
			Name   string
			Phases []string
		}
	}
	if err != nil || json.Unmarshal(out, &info) != nil {
		t.Fatalf("-dump prints %s, %v", out, err)
	}
	if len(info.Plugins) != 1 || info.Plugins[0].Name != "hello" || !slices.Equal(info.Plugins[0].Phases, []string{"access"}) || info.SocketPath != "/usr/local/kong/hello.socket" {
		t.Errorf("-dump says %+v", info)
	}

	packages := strings.Fields(goTool(t, "list", "-deps", "."))
	modules := strings.Fields(goTool(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	graph := goTool(t, "mod", "graph")
	t.Logf("%d packages of %d modules; %d lines of module graph", len(packages), len(modules), strings.Count(graph, "\n"))
	const mostPackages, mostModules, mostGraph = 275, 6, 30
	if len(packages) > mostPackages || len(modules) > mostModules || strings.Count(graph, "\n") > mostGraph {
		t.Errorf("%d packages of %d modules, and %d lines of module graph; want at most %d, %d and %d:\n%v\n%s",
			len(packages), len(modules), strings.Count(graph, "\n"), mostPackages, mostModules, mostGraph, modules, graph)
	}
	for _, name := range []string{"prometheus", "opentelemetry", "redis", "github.com/gatehousehq/gatehouse@"} {
		if strings.Contains(graph, name) || strings.Contains(strings.Join(packages, "\n"), name) {
			t.Errorf("a plugin gets %s:\n%s", name, graph)
		}
	}
}

// goTool runs the go command in the stranger's module.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = filepath.Join("..", "testdata", "stranger")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}
