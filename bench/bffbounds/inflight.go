package bffbounds

import (
	"context"
	"fmt"
	"io"
	"time"
)

// The rows hold a number of requests at once, for as long as services take.
const (
	inFlightLatency = 300 * time.Millisecond
	inFlightRounds  = 6 // requests of each client
)

// takeInFlight has services take long, and ever more requests wait for them.
func takeInFlight(ctx context.Context, w io.Writer, dir string) error {
	const row = "%-10v %8v %9v %9v %9v %11v %12v\n"
	fmt.Fprintf(w, "\nrequests at once: each of the four services takes %v, and one has 512 connections at most\n", inFlightLatency)
	fmt.Fprintf(w, row, "at once", "failed", "p50 ms", "p99 ms", "RSS MiB", "goroutines", "connections")
	for _, together := range []int{1, 64, 256, 512, 768, 1024} {
		if err := holdRow(ctx, w, dir, row, together); err != nil {
			return fmt.Errorf("%d at once: %w", together, err)
		}
	}
	return nil
}

func holdRow(ctx context.Context, w io.Writer, dir, row string, together int) error {
	s, err := start(ctx, dir, "BFF_MAX_IN_FLIGHT=100000", "BFF_BUDGET_MS=5000")
	if err != nil {
		return err
	}
	defer s.stop()
	for name := range s.controls {
		if err := s.fault(ctx, name, fmt.Sprintf(`{"latency_ms":%d}`, inFlightLatency.Milliseconds())); err != nil {
			return err
		}
	}
	c := newClients(s, together, false)
	defer c.http.CloseIdleConnections()
	if err := c.ask(ctx, 2*together, together); err != nil { // connections are opened
		return err
	}
	c.quantiles()
	done := make(chan error)
	go func() { done <- c.ask(ctx, inFlightRounds*together, together) }()
	time.Sleep(3 * inFlightLatency)
	g, err := s.gauges(ctx)
	if failed := <-done; failed != nil || err != nil {
		return fmt.Errorf("ask: %w, %w", failed, err)
	}
	took := c.quantiles(.5, .99)
	fmt.Fprintf(w, row, together, c.counts.failed.Load(), took[0].Milliseconds(), took[1].Milliseconds(),
		mib(g["process_resident_memory_bytes"]), g["go_goroutines"],
		g[`gatehouse_bff_upstream_connections{state="open",upstream="orders"}`])
	return nil
}
