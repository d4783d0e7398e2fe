package pluginserver

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Kong/go-pdk"
)

// event is one phase of one instance that Kong waits for. There is one allocation for
// each, of at most 512 bytes: what is larger costs Go's collector more.
type event struct {
	conn     eventConn // the handler's
	inst     *instance
	built    *built // what of the instance runs
	sequence int64
	phase    phase
	began    int64   // when its instance was ready, by the link's clock
	started  int64   // when the attempt under way began, by the link's clock
	how      outcome // outcomeOK until something went wrong
	calls    int     // PDK calls of all attempts that have ended
	failing  bool    // Failed was called
}

// metrics are those of the event's plugin and phase.
func (ev *event) metrics() *eventMetrics { return ev.inst.plugin.events[ev.phase] }

// took is how long the event has taken so far.
func (ev *event) took() time.Duration {
	return time.Duration(ev.conn.link.clock(time.Now()) - ev.began)
}

// ending is how an attempt ended: the handler, Failed, or an exit for them.
type ending struct {
	taken   bool  // another goroutine has the link now
	exited  bool  // the client was answered
	tooBig  bool  // with a 500, in place of an answer that was too large
	broken  error // the connection is of no more use
	failure error // what the plugin failed with: *panicError, errCutOff, errOverloaded or errUnusable
}

// event runs one phase of one instance.
func (l *link) event(c call) error {
	inst := l.srv.instances.acquire(c.instanceID)
	if inst == nil {
		l.srv.metrics.events("unknown", phaseNames[c.phase], outcomeNames[outcomeRefused]).Inc()
		return l.refuseUnknown(c.instanceID)
	}
	now := time.Now() // a start of the instance is no part of the event
	inst.used.Store(now.Unix())
	if !inst.handles(c.phase) {
		defer l.srv.instances.release(inst)
		l.srv.metrics.events(inst.key.plugin, phaseNames[c.phase], outcomeNames[outcomeRefused]).Inc()
		return l.refuse(inst.refusal(c.phase))
	}
	began := l.clock(now)
	ev := &event{
		conn: eventConn{link: l, breaker: &inst.plugin.breakers[c.phase]}, inst: inst, built: inst.built.Load(),
		sequence: c.sequence, phase: c.phase, began: began, started: began,
	}
	if !l.srv.enter(ev) {
		return l.drop(ev)
	}
	return l.conclude(ev, l.handle(ev))
}

// handle calls the event's handler, unless it is not to be called.
func (l *link) handle(ev *event) ending {
	if ev.built.err != nil {
		l.srv.instances.remindOf(ev.inst, ev.built)
		if !ev.built.usable {
			return ending{failure: errUnusable}
		}
	}
	b := ev.conn.breaker
	allowed, trial := b.allow()
	if !allowed {
		l.srv.refused(b)
		return ending{failure: errOverloaded}
	}
	ev.conn.trial = trial
	ev.conn.opening.begin(&ev.inst.openings[ev.phase])
	return l.attempt(ev, &ev.conn, ev.built.deadlines[ev.phase], ev.built.handlers[ev.phase])
}

// drop ends an event of which nobody waits for the handler, without it.
func (l *link) drop(ev *event) error {
	defer l.srv.instances.release(ev.inst)
	ev.how = outcomeOverloaded
	how, err := l.finishEvent(ev, ending{})
	ev.metrics().observe(how, ev.took(), 0)
	return err
}

// attempt runs a part of an event that is the plugin's, until it returns or
// until its time is up, whichever is first. In the second case the goroutine of
// the timer carries on with the link, and the ending here says that it is taken.
func (l *link) attempt(ev *event, conn *eventConn, deadline time.Duration, f handler) (e ending) {
	conn.kong = *pdk.Init(conn)
	l.watch(ev, conn, deadline)
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
		e = l.unwatch(ev, conn, failure)
		if gone && !e.taken {
			go l.carryOn(ev, e)
		}
	}()
	f(&conn.ctx, &conn.kong)
	returned = true
	return e
}

// conclude ends an event whose handler has ended, or applies the plugin's
// declared direction if it failed. The goroutine that calls it has the link,
// unless the ending says otherwise.
func (l *link) conclude(ev *event, e ending) error {
	if e.taken {
		return errTaken
	}
	if e.failure != nil {
		ev.fail(e.failure)
		if e.broken == nil && !e.exited {
			return l.conclude(ev, l.redirect(ev, e.failure))
		}
	}
	how, err := l.finishEvent(ev, e)
	ev.metrics().observe(how, ev.took(), ev.calls)
	l.srv.leave(ev)
	l.srv.instances.release(ev.inst)
	return err
}

// finishEvent tells Kong that the event is over.
func (l *link) finishEvent(ev *event, e ending) (outcome, error) {
	switch {
	case e.exited:
		return l.finishExit(ev, e)
	case e.broken != nil:
		return outcomeAborted, abortError(ev, e.broken)
	}
	if err := l.endEvent(ev.sequence); err != nil {
		return outcomeAborted, abortError(ev, err)
	}
	return ev.how, nil
}

// finishExit drops the replies to what the handler called before it exited.
// Kong writes nothing after those, so that the connection can be closed; to
// close it earlier would break Kong's writes, and be a 500 in place of the exit.
func (l *link) finishExit(ev *event, e ending) (outcome, error) {
	err := l.skipOwed()
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
func (l *link) refuseUnknown(id int32) error {
	return l.refuseWith(fmt.Sprintf("no plugin instance %d here, start it anew", id))
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

// errTaken is returned by a goroutine that has lost its link to another.
var errTaken = errors.New("another goroutine carries on with the connection")
