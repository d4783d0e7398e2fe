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
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

// Exit codes: a process manager tells a wrong setting, which stays wrong, from
// a wrong command line.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
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
	err := dispatch(ctx, args, getenv, stdout, stderr)
	if errors.Is(err, errUsage) {
		_, _ = io.WriteString(stderr, usage)
		return exitUsage
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintf(stderr, "bff: %s\n", line)
		}
		return exitError
	}
	return exitOK
}

func dispatch(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "health" {
		return health(ctx, args[1])
	}
	if len(args) == 2 && kinds[args[0]].name != "" && (args[1] == "--help" || args[1] == "-h") {
		writeHelp(stdout, kinds[args[0]])
		return nil
	}
	cfg, err := parse(args, getenv)
	if err != nil {
		return err
	}
	return serve(ctx, cfg, stderr)
}
