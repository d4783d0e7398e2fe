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
	"strings"
	"time"
)

// Take prints the tables. One that fails is said to, and the next is taken.
func Take(ctx context.Context, w io.Writer) (err error) {
	began := time.Now()
	fmt.Fprintf(w, "load average at the start: %s\n", loadAverage())
	s, err := start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var failed []error
	for _, table := range []func(context.Context, io.Writer) error{
		s.takeRest, s.takeCPU, s.takePeer, s.takeLogs, s.takeCounters, s.takeKnee, s.takeMemory,
	} {
		if ctx.Err() != nil {
			break
		}
		failed = append(failed, table(ctx, w))
	}
	fmt.Fprintf(w, "\nload average at the end: %s; it took %v\n", loadAverage(), time.Since(began).Round(time.Second))
	return errors.Join(failed...)
}

// loadAverage is how many processes run or wait for a processor, over 1, 5 and 15 minutes.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], ", ")
}
