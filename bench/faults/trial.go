package faults

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// warm is how long the load runs before the fault: what was learned at the start has
	// left the windows of the rules.
	warm = 15 * time.Second
	// endured is how long a fault lasts, and longest how much longer where an alert that is
	// wanted has not fired yet.
	endured, longest = 25 * time.Second, time.Minute
	// calm is for how long all must be well before a fault is over, and unsettled bounds
	// the wait.
	calm, unsettled = 4 * time.Second, 90 * time.Second
)

// trial is a fault on a fleet of its own.
type trial struct {
	*fleet
	load   *load
	wanted []string  // alerts
	began  time.Time // the fault
	mended time.Time // its cause
	// What a fault's run leaves for its claims: a moment in its course, and what was said.
	turned time.Time
	said   string
}

// begin is the moment before the fault.
func (t *trial) begin() { t.began = time.Now() }

// endure lets the fault last until its alerts fire.
func (t *trial) endure(ctx context.Context) {
	wait(ctx, endured)
	for end := time.Now().Add(longest); !t.alerted() && time.Now().Before(end) && ctx.Err() == nil; {
		wait(ctx, 200*time.Millisecond)
	}
}

func (t *trial) alerted() bool {
	fired := t.alerts.since(t.began)
	for _, name := range t.wanted {
		if _, ok := fired[name]; !ok {
			return false
		}
	}
	return true
}

func wait(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
}

// settle waits until clients get what they ask for from all replicas, and tells how long
// after the cause was mended that began, or that it did not.
func (t *trial) settle(ctx context.Context) (after time.Duration, ok bool) {
	lastOut := t.mended
	for end := time.Now().Add(unsettled); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 100*time.Millisecond) {
		if !t.balancer.allIn() {
			lastOut = time.Now()
		}
		ill := lastOut
		for _, a := range t.load.all() {
			if a.ended.After(ill) && !a.good() && a.kind != shifted && a.kind != edge {
				ill = a.ended
			}
		}
		if time.Since(ill) > calm {
			return ill.Sub(t.mended), true
		}
	}
	return unsettled, false
}

// figures are what a fault came to.
type figures struct {
	answers []answer      // from the fault on
	lasted  time.Duration // the fault, until its cause was gone
	failing time.Duration // until the last answer meanwhile that was not good
	well    time.Duration // after its cause was gone
	settled bool
	// How long clients waited for good answers, all but one in a hundred: before, and meanwhile.
	before, meanwhile time.Duration

	alone     int           // decisions of the limiter without Redis
	aloneLast time.Duration // the last one

	records, recordsCounted int // lost, and by the gateway's own word
	spans, spansCounted     int
	alerts                  map[string]time.Duration
}

// measure has a fault happen, and tells what it came to. The trial is to be closed, beside
// an error, too.
func measure(ctx context.Context, binaries string, f fault) (t *trial, result figures, err error) {
	t = &trial{wanted: f.alerts}
	if t.fleet, err = startFleet(ctx, binaries, f.arrangement); err != nil {
		return t, figures{}, err
	}
	if t.load, err = startLoad(ctx, t.balancer.addr, t.stack.Ports.AuthControl.URL()); err != nil {
		return t, figures{}, err
	}
	defer t.load.stop()
	wait(ctx, warm)
	for end := time.Now().Add(longest); !t.alerts.quiet(f.alerts) && time.Now().Before(end); {
		wait(ctx, time.Second) // a busy machine sets some off
	}
	if err := t.calmBefore(); err != nil {
		return t, figures{}, err
	}
	t.begin()
	if err := f.run(ctx, t); err != nil {
		return t, figures{}, err
	}
	result.well, result.settled = t.settle(ctx)
	t.load.stop()
	if err := ctx.Err(); err != nil {
		return t, figures{}, err
	}
	result.alerts = t.alerts.since(t.began)
	return t, result, t.account(ctx, &result)
}

// calmBefore is an error where clients do not get what they ask for before any fault.
func (t *trial) calmBefore() error {
	all := t.load.all()
	for _, a := range all {
		if !a.good() && time.Since(a.ended) < warm/2 {
			return fmt.Errorf("before the fault: %s: %s %s", a.kind, a.seen(), a.problem)
		}
	}
	if len(all) < int(warm/pace)/2 {
		return fmt.Errorf("before the fault: only %d answers in %v", len(all), warm)
	}
	return nil
}

// account finds what was lost of the requests that were answered, once all has arrived.
func (t *trial) account(ctx context.Context, f *figures) (err error) {
	f.lasted = t.mended.Sub(t.began)
	t.clients(f)
	alone, last, err := t.alerts.rises(ctx, "gatehouse_ratelimit_fallback_decisions_total", t.began)
	if err != nil {
		return err
	}
	f.alone, f.aloneLast = int(alone), last
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); wait(ctx, 500*time.Millisecond) {
		if f.spans = t.spans.missing(f.answers); f.spans == 0 {
			break
		}
	}
	for end := time.Now().Add(10 * time.Second); ; wait(ctx, 500*time.Millisecond) {
		if f.records, err = t.missingRecords(f.answers); err != nil || f.records == 0 || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		return err
	}
	for _, r := range t.replicas {
		lost, err := counters(ctx, r.server, `gatehouse_audit_records_total{`, `outcome="written"`)
		if err != nil {
			return err
		}
		f.recordsCounted += int(lost)
		if lost, err = counters(ctx, r.server, `gatehouse_trace_spans_total{`, `outcome="exported"`); err != nil {
			return err
		}
		f.spansCounted += int(lost)
	}
	return nil
}

// clients finds what clients saw.
func (t *trial) clients(f *figures) {
	var before, meanwhile []time.Duration
	for _, a := range t.load.all() {
		if a.ended.Before(t.began) {
			before = append(before, a.ended.Sub(a.began))
			continue
		}
		f.answers = append(f.answers, a)
		switch {
		case a.ended.After(t.mended):
		case a.good():
			meanwhile = append(meanwhile, a.ended.Sub(a.began))
		case a.kind != shifted && a.kind != edge:
			f.failing = max(f.failing, a.ended.Sub(t.began))
		}
	}
	f.before, f.meanwhile = p99(before), p99(meanwhile)
}

func p99(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)*99/100]
}

// missingRecords is how many of the answers have no audit record.
func (t *trial) missingRecords(answers []answer) (count int, err error) {
	have := map[string]bool{}
	for _, r := range t.replicas {
		if err := recorded(r.records, have); err != nil {
			return 0, err
		}
	}
	for _, a := range answers {
		if a.request != "" && !have[a.request] {
			count++
		}
	}
	return count, nil
}
