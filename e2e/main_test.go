// Package e2e drives a running gateway over HTTP and looks at what came out: the
// response, what the services received, what the trace receiver holds, and what the
// logs say. It does not know which gateway runs; E2E_TARGET chooses.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// gate is the gateway under test; TestMain sets it once.
var gate *environment

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	name := os.Getenv("E2E_TARGET")
	if name == "" {
		name = "dev"
	}
	start, ok := targets[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "E2E_TARGET=%q is unknown: use dev, kong or docker\n", name)
		return 2
	}
	env, stop, err := start(context.Background())
	if err != nil {
		fmt.Fprintf(os.Stderr, "start the %s target: %v\n", name, err)
		return 1
	}
	gate = env
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintf(os.Stderr, "stop the %s target: %v\n", name, err)
		return 1
	}
	return code
}
