// Package capacity measures what docs/capacity.md reckons with: the CPU time of each process
// for a million requests, memory, the bytes of logs, and how near to saturation the latency
// that the gateway adds leaves its objective. Kong is a real one, with one worker.
package capacity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// table is one of the suite's, as TABLES names it.
type table struct {
	name string
	take func(*system, context.Context, io.Writer) error
}

var tables = []table{
	{"rest", (*system).takeRest},
	{"cpu", (*system).takeCPU},
	{"peer", (*system).takePeer},
	{"logs", (*system).takeLogs},
	{"counters", (*system).takeCounters},
	{"knee", (*system).takeKnee},
	{"memory", (*system).takeMemory},
}

// Take prints the tables that the environment's TABLES names, or all. One that fails is said
// to, and the next is taken.
func Take(ctx context.Context, w io.Writer) (err error) {
	chosen, err := choose(os.Getenv("TABLES"))
	if err != nil {
		return err
	}
	began := time.Now()
	fmt.Fprintf(w, "load average at the start: %s\n", loadAverage())
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var failed []error
	for _, t := range chosen {
		if ctx.Err() != nil {
			break
		}
		failed = append(failed, t.take(s, ctx, w))
	}
	fmt.Fprintf(w, "\nload average at the end: %s; it took %v\n", loadAverage(), time.Since(began).Round(time.Second))
	return errors.Join(failed...)
}

// choose reads TABLES, names with commas between them.
func choose(text string) (chosen []table, err error) {
	if text == "" {
		return tables, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(tables, func(t table) bool { return t.name == name })
		if i < 0 {
			return nil, fmt.Errorf("TABLES: no table %q: there are rest, cpu, peer, logs, counters, knee and memory", name)
		}
		chosen = append(chosen, tables[i])
	}
	return chosen, nil
}

// loadAverage is how many processes run or wait for a processor, over 1, 5 and 15 minutes.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], ", ")
}
