package pluginserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// readyz is the body of /readyz, and whether its status is 200.
func (p *piped) readyz(t *testing.T) (string, bool) {
	t.Helper()
	p.ready.Store(true)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	return w.Body.String(), w.Code == http.StatusOK
}

// sick is a plugin whose handlers hang for as long as told.
type sick struct{ hang atomic.Int64 }

func ill(hang time.Duration) *sick {
	var s sick
	s.hang.Store(int64(hang))
	return &s
}

func (s *sick) plugin(name string, failed func(*pdk.PDK, error)) Plugin {
	handle := func(*pdk.PDK) { time.Sleep(time.Duration(s.hang.Load())) }
	p := timed(plain(name, func() any {
		config := funcConfig{access: handle, log: handle}
		if failed == nil {
			return &config
		}
		return &failingConfig{config, failed}
	}))
	p.FailOpen = false
	return p
}

// TestOverloadedPlugin has the handlers of one plugin hang: its events then go their
// declared way at once, and are tried now and then; those of another are served as ever.
func TestOverloadedPlugin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failed func(*pdk.PDK, error)
		status int
	}{
		"fails closed": {nil, 503},
		"decides":      {func(kong *pdk.PDK, _ error) { kong.Response.ExitStatus(418) }, 418},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sick, healthy := ill(time.Hour), ill(0)
				srv := pipe(t, Options{MaxAbandoned: 2}, sick.plugin("ill", tt.failed), healthy.plugin("healthy", nil))
				for range 2 {
					srv.holds(t, "ill", "access", tt.status, DefaultDeadline+Grace)
				}
				for range 3 {
					srv.holds(t, "ill", "access", tt.status, 0)
					srv.holds(t, "healthy", "access", 0, 0)
					srv.holds(t, "ill", "access", tt.status, 0)
				}
				srv.says(t, "overloaded: ill: access: 2 handlers hang\n", 1)
				time.Sleep(retryOverloaded)
				srv.holds(t, "ill", "access", tt.status, DefaultDeadline+Grace) // the trial
				srv.holds(t, "ill", "access", tt.status, 0)
				srv.says(t, "overloaded: ill: access: 3 handlers hang\n", 1)
				for range 12 {
					time.Sleep(retryOverloaded)
					srv.holds(t, "ill", "access", tt.status, DefaultDeadline+Grace)
					srv.holds(t, "ill", "access", tt.status, 0)
				}
				srv.says(t, "overloaded: ill: access: 15 handlers hang\n", 2) // a minute later
				sick.hang.Store(int64(time.Millisecond))
				time.Sleep(retryOverloaded)
				for range 3 {
					srv.holds(t, "ill", "access", 0, time.Millisecond)
				}
				srv.says(t, "", 2)
				if got := srv.metric(t, "events_total", map[string]string{"plugin": "ill", "outcome": "overloaded"}); got != 19 {
					t.Errorf("events of an overloaded plugin = %v, want 19", got)
				}
			})
		})
	}
}

// TestLogHandlersThatHangRefuseNobody has log handlers hang: the plugin's access
// handlers are called as ever.
func TestLogHandlersThatHangRefuseNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sick := ill(time.Hour)
		srv := pipe(t, Options{MaxAbandoned: 1}, sick.plugin("ill", nil))
		srv.holds(t, "ill", "log", 0, DefaultLogDeadline+Grace)
		srv.holds(t, "ill", "log", 0, 0)
		sick.hang.Store(0)
		srv.holds(t, "ill", "access", 0, 0)
		srv.says(t, "overloaded: ill: log: 1 handlers hang\n", 1)
	})
}

// TestFailedThatHangs is not called either, after a while.
func TestFailedThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sick := ill(time.Hour)
		srv := pipe(t, Options{MaxAbandoned: 1}, sick.plugin("ill", func(*pdk.PDK, error) { time.Sleep(time.Hour) }))
		srv.holds(t, "ill", "access", 503, DefaultDeadline+Grace+failedDeadline+Grace)
		srv.holds(t, "ill", "access", 503, DefaultDeadline+Grace) // the handler is tried, Failed is not
		srv.holds(t, "ill", "access", 503, 0)
		srv.says(t, "overloaded: ill: access: 2 handlers hang\noverloaded: ill: Failed: 1 handlers hang\n", 2)
	})
}

// TestLogEventsBeyondHalfOfTheConnections are dropped, so that requests have the others.
func TestLogEventsBeyondHalfOfTheConnections(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	srv := serve(t, Options{MaxConnections: 4}, plain("test", func() any {
		return &funcConfig{access: func(*pdk.PDK) {}, log: func(*pdk.PDK) { entered <- struct{}{}; <-leave }}
	}))
	id := srv.mustStart(t, "test", nil)
	ended := make(chan error, 2)
	for range 2 {
		go func() { _, err := srv.HandleEvent(id, "log", kongtest.Request{}); ended <- err }()
		<-entered
	}
	for range 3 {
		if _, err := srv.HandleEvent(id, "log", kongtest.Request{}); err != nil {
			t.Errorf("a log event too many ended with %v", err)
		}
		srv.event(t, id, kongtest.Request{})
	}
	close(leave)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	_ = srv.stop()
	if got := srv.metric(t, "events_total", map[string]string{"phase": "log", "outcome": "overloaded"}); got != 3 {
		t.Errorf("dropped log events = %v, want 3", got)
	}
	if n := strings.Count(srv.logs.String(), "log events are dropped"); n != 1 {
		t.Errorf("%d log lines, want 1 a minute", n)
	}
}

// holds runs one event of a plugin, on a connection of its own, and holds it to a status,
// 0 for a pass, and to how long it takes.
func (p *piped) holds(t *testing.T, plugin, phase string, status int, want time.Duration) {
	t.Helper()
	first := p.far
	defer func() { _ = p.far.Close(); p.far = first }()
	p.connect(func() {})
	p.plugin = plugin
	began := time.Now()
	effects, _ := p.run(t, phase, kongtest.Request{})
	took, got := time.Since(began), 0
	if effects.Exit != nil {
		got = effects.Exit.Status
	}
	if got != status || took != want {
		t.Errorf("%s of %s: status %d after %v, want %d after %v", phase, plugin, got, took, status, want)
	}
}

// says holds what an operator is told of overloads: in /readyz, in the log, in a metric.
func (p *piped) says(t *testing.T, troubles string, lines int) {
	t.Helper()
	if body, ok := p.readyz(t); body != "ok\n"+troubles || !ok {
		t.Errorf("/readyz says %q, %v; want ok and %q", body, ok, troubles)
	}
	if got := strings.Count(p.logs.String(), "plugin overloaded"); got != lines {
		t.Errorf("%d log lines of an overload, want %d", got, lines)
	}
	if got, want := p.metric(t, "overloaded", nil), float64(strings.Count(troubles, "\n")); got != want {
		t.Errorf("the metric says %v, want %v", got, want)
	}
}
