package propagation

import (
	"slices"
	"time"
)

// Keep says which requests of a trace that is not sampled have the gateway's spans exported
// all the same, once it is known how they ended. Whoever came after the gateway has been
// told by then that the trace is not sampled, and exports nothing of it. The zero value
// keeps none.
type Keep struct {
	// Errors keeps statuses from 500 on.
	Errors bool `json:"errors,omitempty"`
	// Statuses are more statuses to keep.
	Statuses []int `json:"statuses,omitempty"`
	// Slow keeps what took as long; 0: nothing for that.
	Slow time.Duration `json:"slow,omitempty"`
}

// Reason is why a span is exported.
type Reason string

// The reasons why a span is exported although its trace is not sampled.
const (
	KeptStatus Reason = "status"
	KeptSlow   Reason = "slow"
)

// Any reports whether any request is kept.
func (k Keep) Any() bool { return k.Errors || len(k.Statuses) > 0 || k.Slow > 0 }

// Why is the reason to keep a request that ended so; empty if there is none.
func (k Keep) Why(status int, took time.Duration) Reason {
	switch {
	case k.Errors && status >= 500, slices.Contains(k.Statuses, status):
		return KeptStatus
	case k.Slow > 0 && took >= k.Slow:
		return KeptSlow
	}
	return ""
}
