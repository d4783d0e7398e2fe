package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/cli"
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

func atMostOne(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return cli.Usagef("name one URL, or none")
	}
	return nil
}
