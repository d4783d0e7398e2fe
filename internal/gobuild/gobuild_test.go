package gobuild_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/gobuild"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds a program")
	}
	folder := t.TempDir()
	if err := gobuild.Build(t.Context(), folder, nil, "e2e/cmd/stack"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(folder, "stack"), "--version").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	err := gobuild.Build(t.Context(), t.TempDir(), nil, "no/such/program")
	if err == nil || !strings.Contains(err.Error(), "no/such/program") {
		t.Errorf("error %v, want one that names the program", err)
	}
}
