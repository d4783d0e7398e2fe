// Command gatehouse is the plugin server and what operators need around it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/version"
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode is the error of a command that ends with a code of its own.
type exitCode = cli.ExitCode

func commands(s streams) *cobra.Command {
	root := cli.Root("gatehouse", "The plugin server of Kong's Gatehouse plugins, and what operators need around it",
		serveCommand(s), infoCommand(s), checkCommand(s), renderCommand(s), publishCommand(s),
		releaseCommand(s), smokeCommand(s), healthCommand(), runCommand(s), limitsCommand(s), cdnRangesCommand(s),
		keysCommand(s), issuersCommand(s), sunsetCommand(s), scrubCommand(s), auditCommand(s), versionCommand(s),
	)
	root.PersistentPreRun = sayVariables(s.err)
	root.Example = `  gatehouse check kong.yaml                   say what is wrong with a config
  gatehouse info tenant-rate-limit            say what a plugin can be told
  gatehouse run -- /docker-entrypoint.sh kong docker-start`
	return root
}

func main() {
	// SIGQUIT is what containers of Kong are stopped with.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, s streams, args []string) int {
	return cli.Run(ctx, commands(s), args, s.out, s.err)
}

// command is one without a flag yet.
func command(use, short string, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, RunE: func(c *cobra.Command, args []string) error { return run(c.Context(), args) }}
}

// plain is a command that takes no argument.
func plain(name, short string, run func(ctx context.Context) error) *cobra.Command {
	c := command(name, short, func(ctx context.Context, _ []string) error { return run(ctx) })
	c.Args, c.ValidArgsFunction = cli.NoArguments, cobra.NoFileCompletions
	return c
}

func versionCommand(s streams) *cobra.Command {
	return plain("version", "print the version", func(context.Context) error {
		_, err := fmt.Fprintln(s.out, "gatehouse", version.String())
		return err
	})
}
