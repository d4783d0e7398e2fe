package limiter

import (
	"context"
	"time"
)

// answerTime is how long an answer is waited for at least, for what it says, by
// then to nobody: an answer that never comes may have been a charge, which is then
// made again.
const answerTime = 5 * time.Second

// horizon makes contexts that end between one and two answerTimes later. Many
// flights share one, since a timer for each would cost more than the rest of it.
// The zero value is ready. It is for one goroutine at a time.
type horizon struct {
	current context.Context
	renewal time.Time
	// cancels end this context and the one before it.
	cancel, cancelLast context.CancelFunc
}

func (h *horizon) context(now time.Time) context.Context {
	if !now.Before(h.renewal) {
		h.cancelLast = h.cancel // its time is over, or as good as
		h.current, h.cancel = context.WithTimeout(context.Background(), 2*answerTime)
		h.renewal = now.Add(answerTime)
	}
	return h.current
}

// end ends all contexts made before.
func (h *horizon) end() {
	for _, cancel := range []context.CancelFunc{h.cancel, h.cancelLast} {
		if cancel != nil {
			cancel()
		}
	}
	*h = horizon{}
}
