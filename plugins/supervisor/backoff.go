package supervisor

import "time"

const (
	// stable is how long a plugin server must have lived for its end to count as a
	// single accident, which is answered by a restart at once.
	stable       = time.Second
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// backoff spaces out the restarts of a plugin server that does not stay up: at once
// after a long life, then 0.1 s, doubling to 5 s.
type backoff struct{ delay time.Duration }

func (b *backoff) next(lived time.Duration) time.Duration {
	switch {
	case lived >= stable:
		b.delay = 0
	case b.delay == 0:
		b.delay = firstBackoff
	default:
		b.delay = min(2*b.delay, maxBackoff)
	}
	return b.delay
}
