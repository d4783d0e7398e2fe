// Package bffbounds shows what a BFF takes: memory over many requests while services
// fail, and with how many requests at once, from which its limit's default comes.
package bffbounds

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Take prints both tables.
func Take(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir, "./bff/cmd/bff", "./e2e/cmd/stack")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	if err := takeInFlight(ctx, w, dir); err != nil {
		return err
	}
	return takeMemory(ctx, w, dir)
}
