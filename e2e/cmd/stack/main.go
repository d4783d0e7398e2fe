// Command stack runs Gatehouse on one machine, for looking at it and for its tests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
)

func commands() *cobra.Command {
	return cli.Root("stack", "Run Gatehouse on one machine, for looking at it and for its tests",
		command("run", "start everything on this machine, until Ctrl-C", cli.NoArguments, runStack),
		gatewayCommand(),
		serviceCommand(),
		command("receiver", "run the trace receiver alone", cli.NoArguments, runReceiver),
		certsCommand(),
		tokenCommand(),
		command("guide [URL]", "print requests to paste, for a gateway at URL", atMostOne, printGuide),
		command("health URL", "succeed if the URL answers 200", oneURL, checkHealth),
	)
}

func main() {
	// The gateway is stopped with SIGQUIT, as a Kong is.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	code := cli.Run(ctx, commands(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one without a flag yet.
func command(use, short string, takes cobra.PositionalArgs, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: takes, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error { return run(c.Context(), args) },
	}
}
