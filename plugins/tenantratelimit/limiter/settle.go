package limiter

import (
	"context"
	"time"
)

const (
	// settleEvery is how often the task looks for what Redis has to be told.
	settleEvery = 250 * time.Millisecond
	// settleTogether is how many counters are settled at once, two runs of the
	// script, and settlePause what is left to requests in between.
	settleTogether = 2 * maxRun
	settlePause    = 2 * time.Millisecond
	settleTimeout  = time.Second
)

// settle charges in Redis what this node admitted without it, gives back what was
// charged for nobody, and asks about counters that were decided here. It ends
// when nothing is left, or when Redis does not answer.
func (r *Redis) settle(ctx context.Context) {
	for ctx.Err() == nil {
		charges, refunds := r.options.Local.unsettled(settleTogether)
		for _, refund := range refunds {
			keys, args := refund.takeBackArgs()
			r.takeBacks.Go(func() { r.runTakeBack(keys, args) })
		}
		answered := r.chargeAll(ctx, charges)
		if !answered || len(charges)+len(refunds) < settleTogether {
			return
		}
		time.Sleep(settlePause)
	}
}

// chargeAll is false if a charge was not answered; what is not is owed again.
func (r *Redis) chargeAll(ctx context.Context, charges []Descriptor) (answered bool) {
	calls, batchers := make([]*call, len(charges)), make([]*batcher, len(charges))
	answered = true
	for i := range charges {
		b, err := r.batcherFor(ctx, charges[i].Key)
		if err != nil {
			r.options.Local.endSettlement(charges[i:i+1], false)
			answered = false
			continue
		}
		c := b.settlement(charges[i : i+1])
		c.ctx, c.timeout = ctx, settleTimeout
		b.start(c)
		calls[i], batchers[i] = c, b
	}
	for i, c := range calls {
		if c != nil && c.wait(batchers[i], c.rest()).err != nil {
			answered = false
		}
	}
	return answered
}

// takeBackArgs are the arguments of takeback.lua.
func (f refund) takeBackArgs() (keys []string, args []any) {
	l := f.descriptor.Limit
	return []string{f.descriptor.Key}, []any{text(f.at), l.wire.kind, text(f.descriptor.Cost), l.wire.a, l.wire.b}
}
