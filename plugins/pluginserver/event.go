package pluginserver

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/Kong/go-pdk"
)

// event runs one phase of one instance.
func (l *link) event(c call) error {
	began := time.Now()
	inst := l.srv.instances.acquire(c.instanceID)
	if inst == nil {
		l.srv.metrics.events.WithLabelValues("unknown", phaseNames[c.phase], outcomeNames[outcomeRefused]).Inc()
		return l.refuseUnknown(c.instanceID)
	}
	defer l.srv.instances.release(inst)
	inst.used.Store(began.Unix())
	handler := inst.handlers[c.phase]
	if handler == nil {
		l.srv.metrics.events.WithLabelValues(inst.key.plugin, phaseNames[c.phase], outcomeNames[outcomeRefused]).Inc()
		return l.refuse(inst.refusal(c.phase))
	}
	m := inst.plugin.events[c.phase]
	how, err := l.run(inst, c, handler, m)
	m.observe(how, time.Since(began))
	return err
}

// run calls the handler and ends the event.
func (l *link) run(inst *instance, c call, handler func(*pdk.PDK), m *eventMetrics) (outcome, error) {
	conn := &eventConn{link: l}
	kong := pdk.Init(conn)
	how := outcomeOK
	if panicked := protect(handler, kong); panicked != nil {
		how = outcomePanic
		m.panics.Inc()
		l.srv.logPanic(inst.plugin, c.phase, panicked)
		l.failed(inst, c.phase, conn, kong, panicked)
	}
	exited, err := conn.end()
	switch {
	case exited:
		return l.finishExit(inst, c.phase)
	case err != nil:
		return outcomeAborted, abortError(inst, c.phase, err)
	}
	if err := l.endEvent(c.sequence); err != nil {
		return outcomeAborted, abortError(inst, c.phase, err)
	}
	return how, nil
}

// finishExit drops the replies to what the handler called before it exited.
// Kong writes nothing after those, so that the connection can be closed; to
// close it earlier would break Kong's writes, and be a 500 in place of the exit.
func (l *link) finishExit(inst *instance, p phase) (outcome, error) {
	if err := l.skipOwed(); err != nil {
		return outcomeAborted, abortError(inst, p, err)
	}
	return outcomeExit, errFinished
}

// failed lets the configuration decide what becomes of an event whose handler
// panicked.
func (l *link) failed(inst *instance, p phase, conn *eventConn, kong *pdk.PDK, panicked *panicError) {
	if inst.failer == nil || !conn.boundary() {
		return
	}
	again := protect(func(kong *pdk.PDK) { inst.failer.Failed(kong, panicked) }, kong)
	if again != nil {
		l.srv.logPanic(inst.plugin, p, again)
	}
}

// panicError is what a handler panicked with.
type panicError struct {
	value any
	stack []byte
}

// Error does not have the stack, which is for the log.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap returns the panic's value where that is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// protect calls a handler and returns its panic.
func protect(handler func(*pdk.PDK), kong *pdk.PDK) (panicked *panicError) {
	defer func() {
		if v := recover(); v != nil {
			panicked = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	handler(kong)
	return nil
}

// logPanic logs a stack, at most one per plugin in a second.
func (s *Server) logPanic(p *plugin, ph phase, panicked *panicError) {
	suppressed, ok := p.stacks.allow(time.Now())
	if !ok {
		return
	}
	s.opts.Logger.Error("handler panicked", "plugin", p.Name, "phase", phaseNames[ph],
		"panic", fmt.Sprint(panicked.value), "stack", string(panicked.stack), "suppressed", suppressed)
}

// abortError is an event that Kong did not see the end of.
func abortError(inst *instance, p phase, err error) error {
	return fmt.Errorf("%s %s: connection ended in mid-event: %w", inst.key.plugin, phaseNames[p], err)
}

// refusal is why the instance cannot run a phase.
func (i *instance) refusal(p phase) string {
	if i.err != nil {
		return fmt.Sprintf("%s cannot start: %v", i.key.plugin, i.err)
	}
	return fmt.Sprintf("%s has no phase %s", i.key.plugin, phaseNames[p])
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
