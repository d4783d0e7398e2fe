// Command stack runs Gatehouse on one machine, for looking at it and for its tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// command is one of stack's.
type command struct {
	name, args, help string
	run              func(ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"run", "", "start everything on this machine, until Ctrl-C", runStack},
		{"gateway", "[flags]", "run the dev gateway alone", runGateway},
		{"service", "NAME", "run one sample service alone", runService},
		{"receiver", "", "run the trace receiver alone", runReceiver},
		{"certs", "[flags]", "make or renew development certificates", makeCerts},
		{"token", "[flags]", "print a token of the auth service", printToken},
		{"guide", "[URL]", "print requests to paste, for a gateway at URL", printGuide},
		{"health", "URL", "succeed if the URL answers 200", checkHealth},
	}
}

var errUsage = errors.New("usage: stack COMMAND")

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	// The gateway is stopped with SIGQUIT, as a Kong is.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	err := dispatch(ctx, args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		return 2
	default:
		fmt.Fprintln(os.Stderr, "stack:", err)
		return 1
	}
}

func dispatch(ctx context.Context, args []string) error {
	var list strings.Builder
	for _, c := range commands() {
		if len(args) > 0 && c.name == args[0] {
			return c.run(ctx, args[1:])
		}
		fmt.Fprintf(&list, "\n  %-16s %s", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	return fmt.Errorf("%w\n%s", errUsage, list.String())
}
