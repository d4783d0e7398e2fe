package limiter

import (
	"context"
	"time"
)

// Descriptor is one limit applied to one request: whose counter, and how much.
type Descriptor struct {
	Limit *Limit
	// Key is the counter's whole Redis key; see [Key].
	Key string
	// Cost is what the request takes from the counter, at least 1.
	Cost int64
	// More is taken beyond the cost where there is room for both: a block for
	// the requests to come. See [Leased]. With [unconditional], nothing more is
	// taken, and the cost whether there is room or not.
	More int64
}

// unconditional is the More of a descriptor that is charged in any case, for what was
// admitted already. It makes no counter admit more.
const unconditional = -1

// Request is what is asked of a store for one request of a client.
type Request struct {
	Descriptors []Descriptor
	// OverridesKey, if there is one, holds the text of the tenant's overrides, and
	// Overrides is the text that the limits of Descriptors were made with. If Redis
	// has another, nothing is charged, and the verdict says which.
	OverridesKey, Overrides string
	// Timeout is how long an answer is waited for, up to twice as long where the
	// process had no processor meanwhile; zero is as long as the context lives.
	Timeout time.Duration
	// Offline asks nobody: this node decides by what it knows. Nodes is how many
	// share the limits, zero for one; Unsure, that there may be more than that.
	Offline bool
	Nodes   int64
	Unsure  bool
	// Passes says that the client's request is admitted if there is no answer in time,
	// without being counted: what an answer that comes later has charged is then right.
	Passes bool
	// Replicas is how many replicas of a server must have what the request is charged
	// before it counts as charged; zero asks for none.
	Replicas int
	// Alone, if it is not nil, has this node decide by what it knows about limits whose
	// server in a Cluster fails while others answer. It says Nodes and Unsure.
	Alone func() (nodes int64, unsure bool)
}

// Result is what one counter said.
type Result struct {
	// Fits is false where the counter has no room for the cost.
	Fits bool
	// Unasked says that the counter's server failed, and that the request passes by it.
	Unasked bool
	// Remaining is what the counter has left, after the charge if there was one.
	Remaining int64
	// Reset is the time until more quota becomes available; zero when nothing is used.
	Reset time.Duration
	// Retry is the time until this request's cost would fit; zero when it fits.
	Retry time.Duration
	// More is what was taken beyond the cost: the descriptor's More, or nothing.
	More int64
}

// Verdict is the answer for all descriptors of one request. It is all or nothing:
// when one enforced limit has no room, no counter is charged.
type Verdict struct {
	Allowed bool
	Results []Result
	// Changed is the text at the request's OverridesKey where that is another than
	// the request's. There are no results then, and nothing was charged.
	Changed *string
	// Partly says that some servers of a Cluster failed: what their counters say was
	// decided by this node, or they are Unasked.
	Partly bool
}

// Store counts. Implementations are safe for concurrent use.
type Store interface {
	// Take charges every descriptor or none. The results are in their order.
	Take(ctx context.Context, req Request) (Verdict, error)
}

// verdict applies the rule that only enforced limits deny.
func verdict(descriptors []Descriptor, results []Result) Verdict {
	v := Verdict{Allowed: true, Results: results}
	for i, r := range results {
		if !r.Fits && !descriptors[i].Limit.Shadow {
			v.Allowed = false
		}
	}
	return v
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
