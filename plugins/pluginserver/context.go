package pluginserver

import (
	"context"
	"sync"
	"time"
)

// eventContext is the context that a handler gets. It ends at the handler's
// deadline, and is canceled when the handler has ended or was cut off. It is a part
// of the event, without a timer, goroutine or allocation of its own: its channel is
// made when somebody asks for it, and a context derived from it learns of its end by
// AfterFunc.
type eventContext struct {
	session *session
	due     int64 // by the session's clock, 0 for no deadline
	waited  int64 // session.waited when the attempt began

	mu    sync.Mutex
	done  chan struct{} // nil until it is asked for
	after *afterFunc    // the last one, nil for none
	how   contextEnd
	trace *string // by InTrace; nil for none. A string here would make the event too large
}

// contextKey has a context find the event's.
type contextKey struct{}

// InTrace says in which trace the request of an event is, by the trace's id: the time
// that the event takes is then observed with it, where the [instrument.Meter] can. ctx
// is a handler's, or derived from it; with another it does nothing. A trace that is not
// sampled is not worth naming: nobody has its spans.
func InTrace(ctx context.Context, traceID string) {
	if c, ok := ctx.Value(contextKey{}).(*eventContext); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.trace = &traceID
	}
}

func (c *eventContext) traceID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trace == nil {
		return ""
	}
	return *c.trace
}

// contextEnd is how a context ended, if it did.
type contextEnd uint8

const (
	goesOn contextEnd = iota
	expired
	canceled
)

// contextErrors are what [context.Context.Err] says.
var contextErrors = [...]error{expired: context.DeadlineExceeded, canceled: context.Canceled}

// afterFunc is a function to call when a context has ended.
type afterFunc struct {
	call     func()
	previous *afterFunc
}

var _ context.Context = (*eventContext)(nil)

// closed is the channel of a context that had ended before it was asked for one.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Deadline is when the handler's time is up. It moves away while Kong takes to reply:
// that time is not the handler's.
func (c *eventContext) Deadline() (due time.Time, ok bool) {
	if c.due == 0 {
		return time.Time{}, false
	}
	return c.session.time(c.dueNow()), true
}

func (c *eventContext) dueNow() int64 { return c.due + c.session.waited.Load() - c.waited }

// Done is closed when the context has ended.
func (c *eventContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done != nil:
	case c.how != goesOn:
		c.done = closed
	default:
		c.done = make(chan struct{})
	}
	return c.done
}

// Err is why the context has ended, nil while it has not.
func (c *eventContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return contextErrors[c.how]
}

// Value is nil: the context carries nothing but itself.
func (c *eventContext) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return c
	}
	return nil
}

// AfterFunc has a function called in a goroutine of its own once the context has ended.
// stop takes that back, and reports whether it did. Package context uses it in place of a
// goroutine that waits for Done.
func (c *eventContext) AfterFunc(call func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.how != goesOn {
		go call()
		return func() bool { return false }
	}
	f := &afterFunc{call, c.after}
	c.after = f
	return func() bool { return c.forget(f) }
}

func (c *eventContext) forget(f *afterFunc) (found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at := &c.after; *at != nil; at = &(*at).previous {
		if *at == f {
			*at = f.previous
			return true
		}
	}
	return false
}

// end ends the context, once.
func (c *eventContext) end(how contextEnd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.how != goesOn {
		return
	}
	c.how = how
	if c.done != nil {
		close(c.done)
	}
	for f := c.after; f != nil; f = f.previous {
		go f.call()
	}
	c.after = nil
}
