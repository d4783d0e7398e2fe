package limiter

import (
	"context"
	"time"
)

// answerTime is how long an answer is waited for at least. By then nobody waits for
// it any more, but it says what was charged: a charge of which no answer ever comes is
// made again.
const answerTime = 5 * time.Second

// deadlines makes contexts that end between one and two answerTimes later. Many
// batches share one, since a timer for each would cost more than the rest of it.
// The zero value is ready. It is for one goroutine at a time.
type deadlines struct {
	current context.Context
	renewal time.Time
	// cancels end this context and the one before it.
	cancel, cancelLast context.CancelFunc
}

func (d *deadlines) context(now time.Time) context.Context {
	if !now.Before(d.renewal) {
		d.cancelLast = d.cancel // its time is over, or will be before this one's
		d.current, d.cancel = context.WithTimeout(context.Background(), 2*answerTime)
		d.renewal = now.Add(answerTime)
	}
	return d.current
}

// end ends all contexts made before.
func (d *deadlines) end() {
	for _, cancel := range []context.CancelFunc{d.cancel, d.cancelLast} {
		if cancel != nil {
			cancel()
		}
	}
	*d = deadlines{}
}
