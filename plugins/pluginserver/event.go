package pluginserver

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// event is one phase of one instance that Kong waits for. There is one allocation for
// each, of at most 512 bytes: what is larger costs Go's collector more.
type event struct {
	conn     eventConn // the handler's
	inst     *instance
	built    *built // what of the instance runs
	sequence int64
	phase    phase
	began    int64   // when its instance was ready, by the session's clock
	started  int64   // when the attempt under way began, by the session's clock
	how      outcome // outcomeOK until something went wrong
	calls    int     // PDK calls of all attempts that have ended
	failing  bool    // Failed was called
}

// metrics are those of the event's plugin and phase.
func (ev *event) metrics() *eventMetrics { return ev.inst.plugin.events[ev.phase] }

// took is how long the event has taken so far.
func (ev *event) took() time.Duration {
	return time.Duration(ev.conn.session.clock(time.Now()) - ev.began)
}

// ending is how an attempt ended: the handler, Failed, or an exit for them.
type ending struct {
	taken   bool  // another goroutine has the session now
	exited  bool  // the client was answered
	tooBig  bool  // with a 500, in place of an answer that was too large
	broken  error // the connection is of no more use
	failure error // what the plugin failed with: *panicError, errCutOff, errOverloaded or errUnusable
}

// event runs one phase of one instance.
func (s *session) event(e protocol.Event) error {
	ph, known := phaseOf(e.Phase)
	if !known {
		s.srv.metrics.events("unknown", "unknown", outcomeNames[outcomeRefused]).Inc()
		return s.refuse("no phase " + string(e.Phase) + " in this plugin server")
	}
	inst := s.srv.instances.acquire(e.InstanceID)
	if inst == nil {
		s.srv.metrics.events("unknown", phaseNames[ph], outcomeNames[outcomeRefused]).Inc()
		return s.refuseUnknown(e.InstanceID)
	}
	now := time.Now() // a start of the instance is no part of the event
	inst.used.Store(now.Unix())
	if !inst.handles(ph) {
		defer s.srv.instances.release(inst)
		s.srv.metrics.events(inst.key.plugin, phaseNames[ph], outcomeNames[outcomeRefused]).Inc()
		return s.refuse(inst.refusal(ph))
	}
	began := s.clock(now)
	ev := &event{
		conn: eventConn{session: s, breaker: &inst.plugin.breakers[ph]}, inst: inst, built: inst.built.Load(),
		sequence: e.Sequence, phase: ph, began: began, started: began,
	}
	if !s.srv.enter(ev) {
		return s.drop(ev)
	}
	return s.conclude(ev, s.handle(ev))
}

// handle calls the event's handler, unless it is not to be called.
func (s *session) handle(ev *event) ending {
	if ev.built.err != nil {
		s.srv.instances.remindOf(ev.inst, ev.built)
		if !ev.built.usable {
			return ending{failure: errUnusable}
		}
	}
	b := ev.conn.breaker
	allowed, trial := b.allow()
	if !allowed {
		s.srv.refused(b)
		return ending{failure: errOverloaded}
	}
	ev.conn.trial = trial
	ev.conn.prefetched.prefetch = ev.built.prefetch[ev.phase]
	return s.attempt(ev, &ev.conn, ev.built.deadlines[ev.phase], ev.built.handlers[ev.phase])
}

// drop ends an event of which nobody waits for the handler, without it.
func (s *session) drop(ev *event) error {
	defer s.srv.instances.release(ev.inst)
	ev.how = outcomeOverloaded
	how, err := s.finishEvent(ev, ending{})
	ev.metrics().observe(how, ev.took(), 0, "")
	return err
}

// attempt runs a part of an event that is the plugin's, until it returns or
// until its time is up, whichever is first. In the second case the goroutine of
// the timer carries on with the session, and the ending here says that it is taken.
func (s *session) attempt(ev *event, conn *eventConn, deadline time.Duration, f handler) (e ending) {
	conn.kong = *pdk.Init(conn)
	s.watch(ev, conn, deadline)
	returned := false
	defer func() {
		v := recover()
		gone := v == nil && !returned // runtime.Goexit: this goroutine is going down
		if gone {
			v = errGoexit
		}
		var failure *panicError
		if v != nil {
			failure = newPanicError(v)
		}
		e = s.unwatch(ev, conn, failure)
		if gone && !e.taken {
			go s.carryOn(ev, e)
		}
	}()
	f(&conn.ctx, &conn.kong)
	returned = true
	return e
}

// conclude ends an event whose handler has ended, or applies the plugin's
// declared direction if it failed. The goroutine that calls it has the session,
// unless the ending says otherwise.
func (s *session) conclude(ev *event, e ending) error {
	if e.taken {
		return errTaken
	}
	if e.failure != nil {
		ev.fail(e.failure)
		if e.broken == nil && !e.exited {
			return s.conclude(ev, s.redirect(ev, e.failure))
		}
	}
	how, err := s.finishEvent(ev, e)
	ev.metrics().observe(how, ev.took(), ev.calls, ev.conn.ctx.traceID())
	s.srv.leave(ev)
	s.srv.instances.release(ev.inst)
	return err
}

// finishEvent tells Kong that the event is over.
func (s *session) finishEvent(ev *event, e ending) (outcome, error) {
	switch {
	case e.exited:
		return s.finishExit(ev, e)
	case e.broken != nil:
		return outcomeAborted, abortError(ev, e.broken)
	}
	if err := s.endEvent(ev.sequence); err != nil {
		return outcomeAborted, abortError(ev, err)
	}
	return ev.how, nil
}

// finishExit drops the replies to what the handler called before it exited.
// Kong writes nothing after those, so that the connection can be closed; to
// close it earlier would break Kong's writes, and be a 500 in place of the exit.
func (s *session) finishExit(ev *event, e ending) (outcome, error) {
	err := s.skipOwed()
	switch {
	case err != nil:
		return outcomeAborted, abortError(ev, err)
	case e.tooBig:
		return outcomeTooLarge, errFinished
	case ev.how != outcomeOK:
		return ev.how, errFinished
	}
	return outcomeExit, errFinished
}

// abortError is an event that Kong did not see the end of.
func abortError(ev *event, err error) error {
	return fmt.Errorf("%s %s: connection ended in mid-event: %w", ev.inst.key.plugin, phaseNames[ev.phase], err)
}

// refuseUnknown makes Kong start the plugin's instances anew and run the event
// again.
func (s *session) refuseUnknown(id int32) error {
	return s.refuseWith(fmt.Sprintf("no plugin instance %d here, start it anew", id))
}

// reasonLimit bounds a reason, in bytes.
const reasonLimit = 1 << 10

// restartWords are those on which Kong runs an event again, without end.
var restartWords = regexp.MustCompile(`(?i)closed|no plugin instance`)

// harmless makes a reason fit for Kong's log: one line, no restart.
func harmless(reason string) string {
	reason, _, _ = strings.Cut(reason, "\n")
	if len(reason) > reasonLimit {
		reason = reason[:reasonLimit]
	}
	return restartWords.ReplaceAllStringFunc(reason, func(word string) string {
		return word[:2] + "-" + word[2:]
	})
}
