// Command gatehouse is the plugin server and what operators need around it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one of gatehouse's.
type command struct {
	name, args, help string
	run              func(ctx context.Context, s streams, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "[flags]", "serve the plugins to Kong on a unix socket", serve},
		{"info", "PLUGIN", "print what Kong's query command must print: phases, priority, schema", info},
		{"check", "FILE [OVERLAY...]", "say what is wrong with a kong.yaml and its overlays", check},
		{"render", "[flags]", "print a kong.yaml with its overlays, and without secrets", render},
		{"publish", "[flags]", "put a kong.yaml with its overlays on nodes, and say what runs where", publishConfig},
		{"release", "COMMAND [flags]", "put a config on a few nodes first, watch it, and take it back where it does worse", releaseConfig},
		{"smoke", "[flags]", "send a trace through each route, and name the hop that loses it", smokeTest},
		{"health", "[flags]", "succeed if the plugin server answers that it is ready", health},
		{"run", "-- COMMAND [ARGS]", "run the plugin server beside COMMAND, which is Kong's entrypoint", runBeside},
		{"limits", "advise [flags]", "propose limits, with what each would have denied", limits},
		{"cdn-ranges", "[flags] CDN...", "print whom to believe a client's address from, as Kong's trusted_ips", cdnRanges},
		{"keys", "COMMAND [flags]", "issue, rotate and revoke partners' API keys, and say which are in use", keys},
		{"issuers", "sync [flags]", "write the keys of token issuers as an overlay, once or every so long", issuerKeys},
		{"scrub", "[flags]", "scrub the lines on standard input", scrubLines},
		{"audit", "verify|export", "verify the chain of audit records, or export some of them", auditFiles},
		{"version", "", "print the version", printVersion},
	}
}

// errUsage is the error of a command line that was not understood.
var errUsage = errors.New("usage")

// exitCode is the error of a command that ends with a code of its own.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func main() {
	// SIGQUIT is what containers of Kong are stopped with.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, s streams, args []string) int {
	err := dispatch(ctx, s, args)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUsage):
		fmt.Fprintln(s.err, err)
		return 2
	default:
		fmt.Fprintln(s.err, "gatehouse:", err)
		return 1
	}
}

func dispatch(ctx context.Context, s streams, args []string) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		return fmt.Errorf("%w: gatehouse COMMAND\n%s", errUsage, commandList())
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, s, args[1:])
		}
	}
	return fmt.Errorf("%w: gatehouse COMMAND\n%s\nthere is no command %q", errUsage, commandList(), args[0])
}

func commandList() string {
	var list strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&list, "  %-24s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	return list.String()
}

func printVersion(_ context.Context, s streams, _ []string) error {
	_, err := fmt.Fprintln(s.out, "gatehouse", version)
	return err
}
