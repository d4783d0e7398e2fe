// Package gobuild builds programs of this module for tests that run them.
package gobuild

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/gatehousehq/gatehouse"

// sources are what the programs are built from, in the module's folder.
var sources = []string{"bff", "e2e", "internal", "plugins", "go.mod", "go.sum"}

// Build builds programs, such as "plugins/cmd/gatehouse", into a folder. Flags are those of
// go build.
//
// It looks at all sources: go test repeats the result of a test that has passed unless a file
// has changed that the test itself opened, and does not see what go build opens.
func Build(ctx context.Context, folder string, flags []string, programs ...string) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	root := strings.TrimSpace(string(out))
	for _, name := range sources {
		if err := filepath.WalkDir(filepath.Join(root, name), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			return fmt.Errorf("look at the sources: %w", err)
		}
	}
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-o", folder + string(filepath.Separator)}, flags...)...)
	for _, program := range programs {
		build.Args = append(build.Args, module+"/"+program)
	}
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(programs, ", "), err, out)
	}
	return nil
}
