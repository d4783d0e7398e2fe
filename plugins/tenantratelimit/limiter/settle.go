package limiter

import (
	"context"
	"time"
)

const (
	// settleEvery is how often it is looked for what Redis has to be told.
	settleEvery = 250 * time.Millisecond
	// settleTogether is how many counters are told of at once, two runs of the
	// script, and settlePause what is left to requests between.
	settleTogether = 2 * maxTogether
	settlePause    = 2 * time.Millisecond
	settleTimeout  = time.Second
)

// settle tells Redis what this node admitted without it, gives back what was
// charged for nobody, and asks about counters that were decided here. It ends
// when all is told, or when Redis does not answer.
func (r *Redis) settle(ctx context.Context) {
	for ctx.Err() == nil {
		charges, refunds := r.options.Local.settlements(settleTogether)
		for _, refund := range refunds {
			keys, args := refund.script()
			r.backs.Go(func() { r.runTakeBack(keys, args) })
		}
		answered := r.chargeAll(ctx, charges)
		if !answered || len(charges)+len(refunds) < settleTogether {
			return
		}
		time.Sleep(settlePause)
	}
}

// chargeAll is false if a charge was not answered; what is not is owed again.
func (r *Redis) chargeAll(ctx context.Context, charges []Level) (answered bool) {
	calls, lanes := make([]*call, len(charges)), make([]*lane, len(charges))
	answered = true
	for i := range charges {
		l, err := r.laneFor(ctx, charges[i].Key)
		if err != nil {
			r.options.Local.paid(charges[i:i+1], false)
			answered = false
			continue
		}
		c := l.charge(charges[i : i+1])
		c.ctx, c.timeout = ctx, settleTimeout
		l.start(c)
		calls[i], lanes[i] = c, l
	}
	for i, c := range calls {
		if c != nil && c.wait(lanes[i], c.rest()).err != nil {
			answered = false
		}
	}
	return answered
}

// script are the arguments of takeback.lua.
func (f refund) script() (keys []string, args []any) {
	l := f.level.Limit
	return []string{f.level.Key}, []any{text(f.at), l.wire.kind, text(f.level.Cost), l.wire.a, l.wire.b}
}
