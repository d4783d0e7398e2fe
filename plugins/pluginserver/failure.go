package pluginserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/Kong/go-pdk"
)

// exitable are the phases in which Kong lets a plugin answer the client.
var exitable = [phaseCount]bool{rewrite: true, access: true, response: true, preread: true}

// unavailable is the answer to a client whose request a plugin that fails
// closed could not judge. It does not say which, or why.
const unavailable = `{"type":"about:blank","title":"Service Unavailable","status":503,` +
	`"detail":"A policy of this gateway could not be applied. Try again."}`

var errGoexit = errors.New("the handler ended its goroutine with runtime.Goexit")

// fail counts and logs what the plugin failed with.
func (ev *event) fail(failure error) {
	how := outcomeDeadline
	var panicked *panicError
	switch {
	case errors.As(failure, &panicked):
		how = outcomePanic
		ev.metrics().panics.Inc()
		ev.conn.session.srv.logPanic(ev.inst.plugin, ev.phase, panicked)
	case errors.Is(failure, errOverloaded):
		how = outcomeOverloaded
	case errors.Is(failure, errUnusable):
		how = outcomeDegraded
	}
	if ev.how == outcomeOK {
		ev.how = how
	}
}

// redirect applies the declared direction to an event whose handler failed:
// the configuration's Failed, or else the plugin's FailOpen. If Failed fails
// in turn, FailOpen decides.
func (s *session) redirect(ev *event, failure error) ending {
	if failed := ev.built.failer; failed != nil && !ev.failing {
		return s.fail(ev, failed, failure)
	}
	if ev.inst.plugin.FailOpen || !exitable[ev.phase] {
		return ending{}
	}
	conn := s.conn()
	pdk.Init(conn).Response.Exit(http.StatusServiceUnavailable, []byte(unavailable),
		map[string][]string{"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"}})
	return conn.end(errEnded)
}

// fail calls Failed, unless that hangs all too often.
func (s *session) fail(ev *event, failed failer, failure error) ending {
	ev.failing, ev.started = true, s.clock(time.Now())
	b := &ev.inst.plugin.breakers[ofFailed]
	allowed, trial := b.allow()
	if !allowed {
		s.srv.refused(b)
		return s.redirect(ev, failure)
	}
	conn := s.conn()
	conn.breaker, conn.trial = b, trial
	return s.attempt(ev, conn, failedDeadline, func(_ context.Context, kong *pdk.PDK) { failed.Failed(kong, failure) })
}

// panicError is what a handler panicked with.
type panicError struct {
	value any
	stack []byte
}

// newPanicError is called while the panic is under way.
func newPanicError(value any) *panicError { return &panicError{value: value, stack: debug.Stack()} }

// Error does not have the stack, which is for the log.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Unwrap returns the panic's value where that is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// logPanic logs a stack, at most one per plugin in a second.
func (s *Server) logPanic(p *plugin, ph phase, panicked *panicError) {
	if suppressed, ok := s.allow(&p.stacks); ok {
		s.opts.Logger.Error("handler panicked", "plugin", p.Name, "phase", phaseNames[ph],
			"panic", fmt.Sprint(panicked.value), "stack", string(panicked.stack), "suppressed", suppressed)
	}
}

// logCutOff logs where a handler was when its time was up, at most once per
// plugin in a second.
func (s *Server) logCutOff(inst *instance, ph phase, d, ran time.Duration, label uint64) {
	p := inst.plugin
	if suppressed, ok := s.allow(&p.overruns); ok {
		s.opts.Logger.Error("handler cut off at its deadline", "plugin", p.Name, "phase", phaseNames[ph], "instance", inst.id,
			"deadline", d.String(), "ran", ran.String(), "fix", "have it heed its context; if it is right to take that long: -deadline "+p.Name+"."+phaseNames[ph]+"=DURATION",
			"stack", stackOf(label), "suppressed", suppressed)
	}
}

// allow reports whether to log a line of a kind that is limited.
func (s *Server) allow(r *rateLimit) (suppressed int, ok bool) {
	suppressed, ok = r.allow(time.Now())
	if !ok {
		s.metrics.suppressed.Inc()
	}
	return suppressed, ok
}
