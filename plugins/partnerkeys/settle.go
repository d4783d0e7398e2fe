package partnerkeys

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MaxSettle bounds [Settle]: three times what nodes need that write every ten seconds.
const MaxSettle = time.Minute

// ask is how often it is looked what nodes have written.
const ask = 500 * time.Millisecond

// Settle reads what nodes write until it has all that they saw before it was called: until
// each of those that known has writing has written twice more, for the first time may have
// been under way. It compares no clocks. A node that does not write twice in [MaxSettle] is
// a doubt, which its error names.
func Settle(ctx context.Context, known Usage, read func(context.Context) Usage) Usage {
	ctx, cancel := context.WithTimeout(ctx, MaxSettle)
	defer cancel()
	owed := map[string]int{}
	for name, at := range known.Nodes {
		if time.Since(at) <= stale {
			owed[name] = 2
		}
	}
	for known.Err == nil && len(owed) > 0 {
		select {
		case <-ctx.Done():
			known.Err = fmt.Errorf("the node %s has not written again which keys are used", slices.Min(slices.Collect(maps.Keys(owed))))
			return known
		case <-time.After(ask):
		}
		next := read(ctx)
		for name := range owed {
			at, writes := next.Nodes[name]
			if at.After(known.Nodes[name]) {
				owed[name]--
			}
			if owed[name] == 0 || !writes && next.Err == nil { // it ended, and wrote all before
				delete(owed, name)
			}
		}
		known = next
	}
	return known
}
