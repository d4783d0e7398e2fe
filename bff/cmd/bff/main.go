// Command bff serves the web application's or the mobile app's pages:
//
//	bff web
//	bff mobile
//	bff health URL
//
// Each BFF is a process of its own, so that each scales on its own. All settings
// come from the environment; `bff web --help` lists them. `bff health` exits with 0 if
// URL answers 200.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run does what args say until ctx ends and returns the process's exit code. Logs go to
// stderr, as JSON lines.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	return cli.Run(ctx, commands(getenv, stderr), args, stdout, stderr)
}

func commands(getenv func(string) string, stderr io.Writer) *cobra.Command {
	return cli.Root("bff", "Serve the web application's or the mobile app's pages",
		pagesCommand(kinds["web"], getenv, stderr), pagesCommand(kinds["mobile"], getenv, stderr), healthCommand())
}

// pagesCommand serves the pages of one kind.
func pagesCommand(k kind, getenv func(string) string, stderr io.Writer) *cobra.Command {
	var help strings.Builder
	writeHelp(&help, k)
	return &cobra.Command{
		Use: k.name, Short: "serve the " + k.name + " BFF's pages", Long: help.String(),
		Args: cli.NoArguments, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := parse(k, getenv)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, stderr)
		},
	}
}
