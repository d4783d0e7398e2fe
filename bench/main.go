// Command bench measures Gatehouse against its peers and prints a table:
//
//	go run . [SUITE ...]
//
// Without a suite it takes all of them. A suite whose peer is not on this
// machine says so and is left out; a target that is missed is printed as
// missed, and is no error. A row that fails is printed as failed, and the table
// goes on.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/gatehousehq/gatehouse/bench/audit"
	"github.com/gatehousehq/gatehouse/bench/bff"
	"github.com/gatehousehq/gatehouse/bench/bffbounds"
	"github.com/gatehousehq/gatehouse/bench/capacity"
	"github.com/gatehousehq/gatehouse/bench/faults"
	"github.com/gatehousehq/gatehouse/bench/gateway"
	"github.com/gatehousehq/gatehouse/bench/limiter"
	"github.com/gatehousehq/gatehouse/bench/pluginserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/bench/scrub"
	"github.com/gatehousehq/gatehouse/bench/sidecar"
)

// suite prints a table. The error of take is [ratio.Missing] where its peer is not here.
type suite struct {
	name string
	take func(context.Context, io.Writer) error
}

// suites are in the order of the tables.
var suites = []suite{
	{"pluginserver", ratios(pluginserver.Open)},
	{"gateway", ratios(gateway.Open)},
	{"versions", ratios(gateway.OpenVersions)},
	{"scrub", ratios(scrub.Open)},
	{"limiter", ratios(limiter.Open)},
	{"bff", ratios(bff.Open)},
	{"audit", audit.Take},
	{"bffbounds", bffbounds.Take},
	{"capacity", capacity.Take},
	{"sidecar", sidecar.Take},
	{"faults", faults.Take},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.name == name }) {
			return fmt.Errorf("no suite %q: there are %v", name, suiteNames())
		}
	}
	fmt.Fprintln(w, ratio.Machine())
	var failed []error
	for _, s := range suites {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		if err := s.print(ctx, w); err != nil {
			failed = append(failed, fmt.Errorf("suite %s: %w", s.name, err))
		}
	}
	return errors.Join(failed...)
}

// print takes the suite, with its name above.
func (s suite) print(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", s.name)
	err := s.take(ctx, w)
	if missing := (ratio.Missing{}); errors.As(err, &missing) {
		fmt.Fprintln(w, "left out:", missing)
		return nil
	}
	return err
}

// ratios takes rows that share what they need: open starts that, and closeAll stops it.
func ratios(open func(context.Context) (rows []ratio.Row, closeAll func() error, err error)) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) (err error) {
		rows, closeAll, err := open(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeAll()) }()
		results := make([]ratio.Result, len(rows))
		for i, row := range rows {
			results[i] = ratio.Take(ctx, row)
			err = errors.Join(err, results[i].Err)
		}
		return errors.Join(err, ratio.Print(w, results))
	}
}

func suiteNames() []string {
	names := make([]string, len(suites))
	for i, s := range suites {
		names[i] = s.name
	}
	return names
}
