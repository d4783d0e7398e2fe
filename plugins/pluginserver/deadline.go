package pluginserver

import (
	"context"
	"errors"
	"runtime/pprof"
	"strconv"
	"time"
)

const (
	// DefaultDeadline is a deadline for plugins that clients wait for: a client feels a
	// tenth of a second; a gateway's hop should not take a hundredth.
	DefaultDeadline = 100 * time.Millisecond
	// DefaultLogDeadline is one for log handlers, for which no client waits. It is half
	// of what Kong waits for a plugin server.
	DefaultLogDeadline = 30 * time.Second
	// failedDeadline is Failed's: it is the plugin's last word, and a late answer is
	// better than a refusal.
	failedDeadline = 5 * time.Second
)

// A handler is cut off after graceTicks further ticks, half a second in all, of which
// each came in time. A tick that is late says that the process had no processor, and
// then the handler had none either: that time does not count. A busy node answers
// late, and only a handler that hangs is cut off.
const (
	graceTick  = 50 * time.Millisecond
	graceTicks = 10
	// lateTick is how late a tick may be that counts. Timers of an idle machine are a
	// millisecond late at most.
	lateTick = 10 * time.Millisecond
	// Grace is how long a handler may go on at least after its context has ended.
	Grace = graceTick * graceTicks
)

// ErrReplace is what [Server.Serve] returns when the process holds more goroutines or
// memory than Options.MaxGoroutines and Options.MaxMemory. Handlers that hang cannot
// be stopped from outside: only a new process is rid of them. The caller exits with a
// code other than 0, so that it is started again.
var ErrReplace = errors.New("this process is out of memory or goroutines: it must be replaced")

// An attempt runs on the goroutine that owns the session, which costs nothing. When its
// deadline has passed, the session's timer ends its context. When the grace has passed as
// well, the goroutine of the timer becomes the owner, between two PDK calls, and carries
// on with the session. The old goroutine is left to itself: each of its PDK calls fails,
// and it ends with the handler. Whichever of unwatch and tick is first to take the session
// back, under the eventConn's mu, goes on with it; the other finds it taken.
//
// The timer is not set for each attempt, which would wake a thread of Go's
// scheduler each time. It fires once in a deadline, looks at the attempt under
// way, and is set again for that one's end.

// watch starts the clock of an attempt. It has no deadline if d is not positive.
func (s *session) watch(ev *event, conn *eventConn, d time.Duration) {
	conn.event, conn.label = ev, s.label
	conn.ctx.session, conn.ctx.waited = s, s.waited.Load()
	if d <= 0 {
		s.current.Store(conn)
		return
	}
	due := ev.started + int64(d)
	conn.ctx.due = due
	s.current.Store(conn) // before the look at fires, see overrun
	if fires := s.fires.Load(); fires == 0 || fires > due {
		s.set(due, d)
	}
}

// clock is a time in nanoseconds since the session began, never 0, and time the reverse.
func (s *session) clock(t time.Time) int64    { return int64(t.Sub(s.began)) + 1 }
func (s *session) time(clock int64) time.Time { return s.began.Add(time.Duration(clock - 1)) }

// set has overrun called at a time, by the clock, that is so far away.
func (s *session) set(at int64, away time.Duration) {
	s.fires.Store(at)
	s.timer.Reset(away)
}

// unwatch ends an attempt, on the goroutine that ran it. failure is what it
// panicked with, if it did.
func (s *session) unwatch(ev *event, conn *eventConn, failure *panicError) ending {
	e := conn.end(errEnded)
	if e.taken {
		s.srv.abandonedEnds(ev, conn.breaker, failure)
		return e
	}
	s.current.Store(nil)
	if conn.trial {
		s.srv.reset(conn.breaker)
	}
	ev.calls += conn.calls
	if failure != nil {
		e.failure = failure
	}
	return e
}

// overrun looks at the attempt under way when its time may be up. An attempt that
// begins in the meantime is seen here, or else sees that the timer is not set.
func (s *session) overrun() {
	s.fires.Store(0)
	conn := s.current.Load()
	if conn == nil {
		return
	}
	e, ok := conn.tick()
	if !ok {
		return
	}
	ev := conn.event
	s.current.Store(nil)
	ev.calls += conn.calls
	e.failure = errCutOff
	go s.srv.logCutOff(ev.inst, ev.phase, time.Duration(conn.ctx.due-ev.started), time.Duration(s.clock(time.Now())-ev.started), conn.label)
	s.carryOn(ev, e)
}

// tick ends the context of an attempt whose deadline has passed, and takes the
// connection from it when the grace has passed too; until then it sets the timer. Time
// in which Kong did not reply is not the plugin's: a handler that reads a body
// waits for a client to send it, and this waits for a PDK call that is under way. An
// attempt that has ended, or has no deadline, is left alone.
func (c *eventConn) tick() (e ending, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.session.clock(time.Now())
	if c.ended || c.ctx.due == 0 {
		return ending{}, false
	}
	if c.next == 0 {
		due := c.ctx.dueNow()
		if left := due - now; left > 0 {
			c.session.set(due, time.Duration(left))
			return ending{}, false
		}
		c.ctx.end(expired)
	} else if now-c.next <= int64(lateTick) {
		c.ticks++
	}
	if c.ticks < graceTicks {
		c.next = now + int64(graceTick)
		c.session.set(c.next, graceTick)
		return ending{}, false
	}
	c.session.srv.abandon(c.event, c.breaker)
	return c.take(errCutOff), true
}

// carryOn concludes an event on a goroutine that has taken the session over, and
// serves the session from then on.
func (s *session) carryOn(ev *event, e ending) {
	s.mark()
	err := s.conclude(ev, e)
	if err == nil {
		err = s.serve()
	}
	s.srv.finish(s, err)
}

// goroutineLabel is the profiler label by which the stack of a handler is
// found, see stackOf.
const goroutineLabel = "pluginserver_session"

// mark labels the calling goroutine as the one that serves the session.
func (s *session) mark() {
	s.label = s.srv.marks.Add(1)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(goroutineLabel, strconv.FormatUint(s.label, 10))))
}

// abandon counts a handler that is cut off, and keeps its instance from being
// closed under it.
func (s *Server) abandon(ev *event, b *breaker) {
	ev.inst.live.Add(1)
	s.metrics.abandoned.Inc()
	if b.abandoned.Add(1) >= int64(s.opts.MaxAbandoned) {
		s.trip(b)
	}
}

// abandonedEnds is the end of a handler that was cut off before.
func (s *Server) abandonedEnds(ev *event, b *breaker, failure *panicError) {
	if failure != nil {
		ev.metrics().panics.Inc()
		s.logPanic(ev.inst.plugin, ev.phase, failure)
	}
	b.abandoned.Add(-1)
	s.metrics.abandoned.Dec()
	s.instances.release(ev.inst)
}
