// Package ratio measures ours against a peer in one run, in turn, and prints
// the medians. These figures hold on a noisy machine, where a bare time says
// little: both sides see the same noise.
package ratio

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Rounds is how often each side of a row is measured. Medians of fewer than
// five are not quoted.
const Rounds = 5

// Measure returns one figure: events per CPU second, requests per second,
// milliseconds, as the row's Unit says.
type Measure func(context.Context) (float64, error)

// Row is a claim: ours against a peer, with the target of the ratio ours/peer.
type Row struct {
	// What is measured, in a few words.
	What string
	// Peer says what ours is measured against.
	Peer string
	// Unit of the two figures, such as "events/CPU s".
	Unit string
	// Ours and Base measure the two sides. A row without a Base is a bare
	// figure, and its target one of the figure itself: for counts, such as
	// allocations, that noise does not touch.
	Ours, Base Measure
	// Target is the bound of the ratio: at least, or at most where AtMost.
	Target float64
	AtMost bool
	// Rounds is how often each side is measured. Default [Rounds].
	Rounds int
}

// Result is what a row came to.
type Result struct {
	Row
	OursMedian, BaseMedian float64
	// Ratio is the median of the rounds' ratios; Low and High the range of them.
	Ratio, Low, High float64
	// Err is why there are no figures, nil if there are.
	Err error
}

// Met reports whether the target is reached.
func (r Result) Met() bool {
	switch {
	case r.Err != nil:
		return false
	case r.AtMost:
		return r.Ratio <= r.Target
	}
	return r.Ratio >= r.Target
}

// Take measures a row: some rounds of each side, in turn, after one round that
// does not count. The side that goes first changes with each round. A round that
// fails ends the row, and is the result's error.
func Take(ctx context.Context, row Row) Result {
	rounds := cmp.Or(row.Rounds, Rounds)
	ours, base, ratios := make([]float64, 0, rounds), make([]float64, 0, rounds), make([]float64, 0, rounds)
	for i := range rounds + 1 {
		a, b, err := pair(ctx, row, i%2 == 1)
		if err != nil {
			return Result{Row: row, Err: fmt.Errorf("measure %q: %w", row.What, err)}
		}
		if i == 0 {
			continue
		}
		ours, base, ratios = append(ours, a), append(base, b), append(ratios, a/b)
	}
	return Result{
		Row: row, OursMedian: Median(ours), BaseMedian: Median(base),
		Ratio: Median(ratios), Low: slices.Min(ratios), High: slices.Max(ratios),
	}
}

func pair(ctx context.Context, row Row, baseFirst bool) (ours, base float64, err error) {
	if row.Base == nil {
		ours, err = row.Ours(ctx)
		return ours, 1, err
	}
	if baseFirst {
		if base, err = row.Base(ctx); err != nil {
			return 0, 0, err
		}
	}
	if ours, err = row.Ours(ctx); err != nil {
		return 0, 0, err
	}
	if !baseFirst {
		base, err = row.Base(ctx)
	}
	return ours, base, err
}

// Median of values, which it sorts. The mean of the middle two of an even count.
func Median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Missing is what a suite lacks on this machine, such as "redis-server on PATH".
type Missing struct{ What string }

func (m Missing) Error() string { return "this machine has no " + m.What }
