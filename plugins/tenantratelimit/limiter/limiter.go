// Package limiter decides whether a request fits its limits. It knows no HTTP
// and no Kong: levels go in, a verdict comes out.
//
// The same four algorithms exist twice, in Go and in one Redis script
// (script.lua), and tests hold the two to the same answers. Every number is a
// whole number of microseconds or units below 2^53, so that Lua's doubles
// count exactly.
package limiter

import (
	"context"
	"time"
)

// Level is one limit applied to one request: whose counter, and how much.
type Level struct {
	Limit *Limit
	// Key is the counter's whole Redis key; see [Key].
	Key string
	// Cost is what the request takes from the counter, at least 1.
	Cost int64
}

// Outcome is what one level said.
type Outcome struct {
	// Fits is false where the level has no room for the cost.
	Fits bool
	// Remaining is what the counter has left, after the charge if there was one.
	Remaining int64
	// Reset is the time until more quota becomes available; zero when nothing is used.
	Reset time.Duration
	// Retry is the time until this request's cost would fit; zero when it fits.
	Retry time.Duration
}

// Verdict is the answer for all levels of one request. It is all or nothing:
// when one enforced level has no room, no level is charged.
type Verdict struct {
	Allowed  bool
	Outcomes []Outcome
}

// Store counts. Implementations are safe for concurrent use.
type Store interface {
	// Take charges every level or none. The outcomes are in the order of levels.
	Take(ctx context.Context, levels []Level) (Verdict, error)
}

// verdict applies the rule that only enforced levels deny.
func verdict(levels []Level, outcomes []Outcome) Verdict {
	v := Verdict{Allowed: true, Outcomes: outcomes}
	for i, o := range outcomes {
		if !o.Fits && !levels[i].Limit.Shadow {
			v.Allowed = false
		}
	}
	return v
}
