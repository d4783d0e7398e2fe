package limiter

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// This file has charges wait for replicas. A server replicates after it has answered, so
// one that dies takes with it the charges of its last moments, and they are admitted
// again. A call that has replicas is answered once so many have its charge: a WAIT
// follows the runs in their pipeline, and so on their connection, as Redis demands.

// confirmation is the WAIT of a pipeline.
type confirmation struct {
	replicas int // as many as the call demands that demands most; zero asks nothing
	timeout  time.Duration
	cmd      *redis.IntCmd
}

// waitPart is the part of a call's timeout that is left to replicas, so that there is an
// answer, and not only a call that was given up.
const waitPart = 2

func newConfirmation(runs []*run) (w confirmation) {
	for _, r := range runs {
		for _, c := range r.calls {
			if c.replicas > 0 {
				w.replicas, w.timeout = max(w.replicas, c.replicas), max(w.timeout, c.timeout/waitPart)
			}
		}
	}
	w.timeout = max(w.timeout, time.Millisecond) // to Redis, zero is for ever
	return w
}

// join asks after the runs in the pipeline.
func (w *confirmation) join(ctx context.Context, p redis.Pipeliner) {
	if w.replicas > 0 {
		w.cmd = redis.NewIntCmd(ctx, "wait", w.replicas, w.timeout.Milliseconds())
		_ = p.Process(ctx, w.cmd) // sends nothing yet
	}
}

// tell has the runs know how many replicas have all that they charged.
func (w *confirmation) tell(runs []*run) {
	if w.cmd == nil {
		return
	}
	for _, r := range runs {
		r.replicas, r.unconfirmed = int(w.cmd.Val()), w.cmd.Err()
		if r.unconfirmed == nil && r.replicas < w.replicas {
			r.unconfirmed = fmt.Errorf("%d of %d replicas had the charge after %v", r.replicas, w.replicas, w.timeout)
		}
	}
}

// unconfirmed is why a pipeline's charges are not where they were to be, nil if they are,
// or if the user may not ask: that is no failure of the server.
func unconfirmed(runs []*run) error {
	for _, r := range runs {
		if r.unconfirmed != nil && !refused(r.unconfirmed) {
			return fmt.Errorf("wait for replicas: %w", r.unconfirmed)
		}
	}
	return nil
}

// confirms is false for a charge that too few replicas have.
func (r *run) confirms(c *call, v Verdict) bool {
	return r.replicas >= c.replicas || v.Changed != nil || !v.Allowed
}

// finishUnconfirmed is for a charge that too few replicas have. Who waits for it decides
// without Redis, as if the answer had come too late: a charge for a request that is
// refused then is given back.
func (c *call) finishUnconfirmed(r reply, err error) {
	c.local.hear(c.descriptors, r.verdict, r.at)
	if !c.passes {
		c.local.chargedLate(c.descriptors, r.verdict, r.at)
	}
	c.finish(reply{err: fmt.Errorf("wait for replicas: %w", err)})
}
