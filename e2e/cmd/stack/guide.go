package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatehousehq/gatehouse/e2e/stack"
)

// printGuide prints the requests that `stack run` prints, for any gateway.
func printGuide(ctx context.Context, args []string) error {
	base := "http://127.0.0.1:8000"
	if len(args) > 0 {
		base = args[0]
	}
	auth, err := authURL()
	if err != nil {
		return err
	}
	config, err := os.ReadFile(kongConfig())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read Kong config: %w", err)
	}
	guide, err := stack.Guide(ctx, base, auth, config)
	if err != nil {
		return err
	}
	fmt.Print(guide)
	return nil
}
