package bffbounds

import (
	"context"
	"fmt"
	"io"
	"time"
)

const (
	memoryRequests = 100_000
	memoryRows     = 10
	memoryClients  = 64
	// flat is how much more memory the last row may have than the one after the first
	// fault of each kind.
	flat = 1.1
)

// memoryFaults are in force in turn, each for the requests of one row.
var memoryFaults = []struct{ service, fault string }{
	{"", ""},
	{"orders", `{"status":503,"rate":0.3}`},
	{"billing", `{"hang":true}`},
	{"users", `{"reset":true,"rate":0.5}`},
	{"notifications", `{"latency_ms":30}`},
}

// takeMemory has services fail in turn and clients give up, twice.
func takeMemory(ctx context.Context, w io.Writer, dir string) error {
	s, err := start(ctx, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	const row = "%-9v %-40v %7v %9v %7v %8v %8v %9v %9v %11v\n"
	fmt.Fprintf(w, "\nmemory: %d clients, every tenth request given up after 5 ms\n", memoryClients)
	fmt.Fprintf(w, row, "requests", "fault", "whole", "degraded", "failed", "given up", "req/s", "heap MiB", "RSS MiB", "goroutines")
	var rss []float64
	for i := range memoryRows {
		fault := memoryFaults[i%len(memoryFaults)]
		if fault.service != "" {
			if err := s.fault(ctx, fault.service, fault.fault); err != nil {
				return err
			}
		}
		c := newClients(s, memoryClients, true)
		began := time.Now()
		if err := c.ask(ctx, memoryRequests/memoryRows, memoryClients); err != nil {
			return err
		}
		took := time.Since(began)
		c.http.CloseIdleConnections()
		g, err := s.gauges(ctx)
		if err != nil {
			return err
		}
		rss = append(rss, g["process_resident_memory_bytes"])
		fmt.Fprintf(w, row, (i+1)*memoryRequests/memoryRows, fault.service+" "+fault.fault,
			c.counts.whole.Load(), c.counts.degraded.Load(), c.counts.failed.Load(), c.counts.gaveUp.Load(),
			int(memoryRequests/memoryRows/took.Seconds()), mib(g["go_memstats_heap_inuse_bytes"]), mib(rss[i]), g["go_goroutines"])
		if fault.service != "" {
			if err := s.fault(ctx, fault.service, ""); err != nil {
				return err
			}
		}
	}
	ratio := rss[memoryRows-1] / rss[len(memoryFaults)-1]
	verdict := "flat"
	if ratio > flat {
		verdict = "MISSED: it grows"
	}
	fmt.Fprintf(w, "RSS after the second round of faults is %.2f of that after the first: %s (at most %.1f)\n", ratio, verdict, flat)
	return nil
}

func mib(bytes float64) string { return fmt.Sprintf("%.1f", bytes/(1<<20)) }
