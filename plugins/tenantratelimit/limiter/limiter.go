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
	// More is taken beyond the cost where there is room for both: a block for
	// the requests to come. See [Leased]. [unconditional] takes nothing more,
	// and the cost whether there is room or not.
	More int64
}

// unconditional is the More of a level that is charged in any case, for what was
// admitted already. It makes no counter admit more.
const unconditional = -1

// Ask is what one request asks of a store.
type Ask struct {
	Levels []Level
	// OverridesKey, if there is one, holds the text that the limits of Levels
	// were made with, Believed. If it holds another, nothing is charged.
	OverridesKey, Believed string
	// Timeout is how long an answer is waited for, up to twice as long where the
	// process had no processor meanwhile; zero is as long as the context lives.
	Timeout time.Duration
	// Alone asks nobody: this node decides by what it knows. Nodes is how many
	// share the limits, zero for one; Unsure, that there may be more than that.
	Alone  bool
	Nodes  int64
	Unsure bool
	// Passes says that the request goes on if there is no answer in time, without
	// being counted: what an answer that comes later has charged is then right.
	Passes bool
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
	// More is what was taken beyond the cost: the level's More, or nothing.
	More int64
}

// Verdict is the answer for all levels of one request. It is all or nothing:
// when one enforced level has no room, no level is charged.
type Verdict struct {
	Allowed  bool
	Outcomes []Outcome
	// News is the text at the ask's OverridesKey where that is not what the ask
	// believed. There are no outcomes then, and nothing was charged.
	News *string
}

// Store counts. Implementations are safe for concurrent use.
type Store interface {
	// Take charges every level or none. The outcomes are in the order of levels.
	Take(ctx context.Context, ask Ask) (Verdict, error)
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

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
