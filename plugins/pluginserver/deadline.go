package pluginserver

import (
	"context"
	"errors"
	"runtime/pprof"
	"strconv"
	"time"
)

// DefaultDeadline is how long a handler may take unless its plugin says
// otherwise. A client feels a tenth of a second; a gateway's hop should not
// take a hundredth.
const DefaultDeadline = 100 * time.Millisecond

// ErrReplace is what [Server.Serve] returns when more handlers than
// Options.MaxAbandoned were cut off at their deadline and still run. They
// cannot be stopped from outside: only a new process is rid of them. The
// caller exits with a code other than 0, so that it is started again.
var ErrReplace = errors.New("too many handlers run past their deadline: this process must be replaced")

// An attempt runs on the goroutine of its link, which costs nothing. When its
// time is up, the goroutine of the link's timer takes the connection from it,
// between two PDK calls, and carries on with the link. The old goroutine is
// left to itself: each of its PDK calls fails, and it ends with the handler.
//
// The timer is not set for each attempt, which would wake a thread of Go's
// scheduler each time. It fires once in a deadline, looks at the attempt under
// way, and is set again for that one's end.

// watch starts the clock of an attempt.
func (l *link) watch(ev *event, conn *eventConn) {
	conn.event, conn.label, conn.waited = ev, l.label, l.waited
	d := ev.inst.plugin.deadline
	if d <= 0 {
		return
	}
	conn.due = ev.started.Add(d)
	l.current.Store(conn) // before the look at fires, see overrun
	if fires := l.fires.Load(); fires == 0 || fires > l.clock(conn.due) {
		l.set(conn.due, d)
	}
}

// clock is a time in nanoseconds since the link began, never 0.
func (l *link) clock(t time.Time) int64 { return int64(t.Sub(l.began)) + 1 }

// set has overrun called at a time that is so far away.
func (l *link) set(at time.Time, away time.Duration) {
	l.fires.Store(l.clock(at))
	l.timer.Reset(away)
}

// unwatch ends an attempt, on the goroutine that ran it. failure is what it
// panicked with, if it did.
func (l *link) unwatch(ev *event, conn *eventConn, failure *panicError) ending {
	inst, ph := ev.inst, ev.phase
	e := conn.end(errEnded)
	if e.taken {
		l.srv.abandonedEnds(inst, ph, failure)
		return e
	}
	l.current.Store(nil)
	ev.calls += conn.calls
	if failure != nil {
		e.failure = failure
	}
	return e
}

// overrun cuts off the attempt under way if its time is up, and carries on
// with the link. An attempt that begins in the meantime is seen here, or else
// sees that the timer is not set.
func (l *link) overrun() {
	l.fires.Store(0)
	conn := l.current.Load()
	if conn == nil {
		return
	}
	e, ok := conn.cutOff(l)
	if !ok {
		return
	}
	ev := conn.event
	l.current.Store(nil)
	ev.calls += conn.calls
	e.failure = errCutOff
	go l.srv.logCutOff(ev.inst, ev.phase, time.Since(ev.started), conn.label)
	l.carryOn(ev, e)
}

// cutOff takes the connection from an attempt whose time is up, and sets the
// timer for one that has some left: time in which Kong did not reply is not the
// plugin's, as a handler that reads a body waits for a client to send it. It
// waits for a PDK call that is under way. An attempt that has ended is left
// alone.
func (c *eventConn) cutOff(l *link) (e ending, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return ending{}, false
	}
	due := c.due.Add(l.waited - c.waited)
	if left := time.Until(due); left > 0 {
		l.set(due, left)
		return ending{}, false
	}
	l.srv.abandon(c.event.inst)
	return c.take(errCutOff), true
}

// carryOn concludes an event on a goroutine that has taken the link over, and
// serves the link from then on.
func (l *link) carryOn(ev *event, e ending) {
	l.mark()
	err := l.conclude(ev, e)
	if err == nil {
		err = l.serve()
	}
	l.srv.finish(l, err)
}

// goroutineLabel is the profiler label by which the stack of a handler is
// found, see stackOf.
const goroutineLabel = "pluginserver_link"

// mark labels the calling goroutine as the one that serves the link.
func (l *link) mark() {
	l.label = strconv.FormatUint(l.srv.marks.Add(1), 10)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(goroutineLabel, l.label)))
}

// abandon counts a handler that is cut off, and keeps its instance from being
// closed under it.
func (s *Server) abandon(inst *instance) {
	inst.live.Add(1)
	s.metrics.abandoned.Inc()
	if n := s.abandoned.Add(1); n > int64(s.opts.MaxAbandoned) {
		s.replace(n)
	}
}

// abandonedEnds is the end of a handler that was cut off before.
func (s *Server) abandonedEnds(inst *instance, ph phase, failure *panicError) {
	if failure != nil {
		inst.plugin.events[ph].panics.Inc()
		s.logPanic(inst.plugin, ph, failure)
	}
	s.abandoned.Add(-1)
	s.metrics.abandoned.Dec()
	s.instances.release(inst)
}

// replace ends Serve with ErrReplace, once.
func (s *Server) replace(abandoned int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return
	}
	s.opts.Logger.Error("draining to be replaced: too many handlers run past their deadline",
		"abandoned", abandoned, "limit", s.opts.MaxAbandoned)
	s.cancel(ErrReplace)
	s.cancel = nil
}
