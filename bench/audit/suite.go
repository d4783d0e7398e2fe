// Package audit counts what becomes of the audit records when something dies, fills up
// or goes away, on a real Kong, by a second log of nginx's own.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
)

// The variables that choose rows.
const (
	chosenFaults  = "FAULTS"  // names, with commas; default: all that take no minutes
	chosenPlugins = "PLUGINS" // apart or onehop; default: both
)

const (
	rowFormat = "%-48v %-8v %9v %8v %8v %8v %6v %6v %8v %8v\n"
	// longestTrial bounds a row.
	longestTrial = 10 * time.Minute
	// gatehouseBuilt is a variable by which the process in a network of its own is told
	// of the binary.
	gatehouseBuilt = "GATEHOUSE_BENCH_BINARY"
)

// Take runs the rows that are chosen and prints each as it is done. A row that fails is
// printed with why, and the table goes on.
func Take(ctx context.Context, w io.Writer) error {
	if err := kongserver.Missing(); err != nil {
		return err
	}
	chosen, err := choose(os.Getenv(chosenFaults), os.Getenv(chosenPlugins))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gatehouse := os.Getenv(gatehouseBuilt)
	if gatehouse == "" {
		if gatehouse, err = kongserver.Build(ctx, dir); err != nil {
			return err
		}
	}
	again, err := enterNetwork()
	if err != nil {
		return err
	}
	if again == nil {
		return takeRows(ctx, table(w), gatehouse, chosen)
	}
	again.Env = append(again.Env, gatehouseBuilt+"="+gatehouse)
	again.Stderr, again.ExtraFiles = os.Stderr, []*os.File{os.Stdout} // what main prints, it has printed
	if err := again.Start(); err != nil {
		return fmt.Errorf("start in a network of its own: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = again.Process.Signal(syscall.SIGTERM) })
	defer stop()
	return again.Wait()
}

// table is where the process in a network of its own prints.
func table(w io.Writer) io.Writer {
	if os.Getenv(gatehouseBuilt) != "" {
		return os.NewFile(3, "table")
	}
	return w
}

// row is a fault in an arrangement.
type row struct {
	fault
	plugins string
}

// choose finds the rows by the variables.
func choose(names, plugins string) (rows []row, err error) {
	arrangements := map[string][]string{"": {apart, oneHop}, "apart": {apart}, "onehop": {oneHop}}[plugins]
	if arrangements == nil {
		return nil, fmt.Errorf("%s=%q: use apart or onehop", chosenPlugins, plugins)
	}
	var wanted, known []string
	if names != "" {
		wanted = strings.Split(names, ",")
	}
	for _, f := range faults {
		known = append(known, f.name)
		if !slices.Contains(wanted, f.name) && (len(wanted) > 0 || f.asked) {
			continue
		}
		for _, a := range arrangements {
			rows = append(rows, row{f, a})
		}
	}
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s: there is no fault %q; use %s", chosenFaults, name, strings.Join(known, ", "))
		}
	}
	return rows, nil
}

func takeRows(ctx context.Context, w io.Writer, gatehouse string, rows []row) error {
	fmt.Fprintf(w, rowFormat, "fault", "plugins", "requests", "records", "partial", "unknown", "wrong", "twice", "missing", "counted")
	var failed []error
	for _, r := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, r.take(ctx, w, gatehouse))
	}
	return errors.Join(failed...)
}

// take measures and prints one row.
func (r row) take(ctx context.Context, w io.Writer, gatehouse string) error {
	if r.lacks != nil && r.lacks() != "" {
		fmt.Fprintf(w, "%-48s %-8s left out: no %s\n", r.what, r.plugins, r.lacks())
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestTrial)
	defer cancel()
	f, err := measure(ctx, gatehouse, r.fault, r.plugins)
	if err != nil {
		fmt.Fprintf(w, "%-48s %-8s failed: %v\n", r.what, r.plugins, err)
		return fmt.Errorf("%s, %s: %w", r.name, r.plugins, err)
	}
	fmt.Fprintf(w, rowFormat, r.what, r.plugins,
		f.requests, f.records, f.partial, f.unknown, f.wrong, f.twice, f.missing, f.counted)
	return nil
}
