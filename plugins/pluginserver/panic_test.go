package pluginserver

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestPanicEndsOneEvent(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		_ = kong.Response.SetHeader("X", "before")
		if path, _ := kong.Request.GetPath(); path == "/bad" {
			panic("oh no")
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	for _, path := range []string{"/bad", "/bad", "/bad", "/good"} {
		effects := srv.event(t, id, kongtest.Request{Path: path})
		if effects.Response.Headers.Get("X") != "before" {
			t.Errorf("%s: what the handler did before was lost: %+v", path, effects.Response)
		}
	}
	_ = srv.stop() // Kong sees the end of an event before it is counted
	for labels, want := range map[string]float64{"panic": 3, "ok": 1} {
		if got := srv.metric(t, "events_total", map[string]string{"outcome": labels}); got != want {
			t.Errorf("events with outcome %s = %v, want %v", labels, got, want)
		}
	}
	if got := srv.metric(t, "panics_total", map[string]string{"plugin": "test", "phase": "access"}); got != 3 {
		t.Errorf("panics = %v, want 3", got)
	}
	logs := srv.logs.String()
	if n := strings.Count(logs, "handler panicked"); n != 1 || !strings.Contains(logs, "panic_test.go") {
		t.Errorf("%d log lines, want one with the stack:\n%s", n, logs)
	}
}

func TestFailedDecides(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for name, failed := range map[string]func(*pdk.PDK, error){
		"closed": func(kong *pdk.PDK, err error) {
			if !errors.Is(err, cause) {
				t.Errorf("Failed was given %v", err)
			}
			kong.Response.ExitStatus(503)
		},
		"panics again": func(*pdk.PDK, error) { panic("again") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, plain("test", func() any {
				return &failingConfig{funcConfig{access: func(*pdk.PDK) { panic(cause) }}, failed}
			}))
			effects := srv.event(t, srv.mustStart(t, "test", []byte(`{}`)), kongtest.Request{})
			if exited := effects.Exit != nil && effects.Exit.Status == 503; exited != (name == "closed") {
				t.Errorf("exit = %+v", effects.Exit)
			}
		})
	}
}

func TestPanicInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	frame := func(s string) []byte { return protocol.AppendFrame(nil, []byte(s)) }
	for name, tt := range map[string]struct {
		until func(kong *pdk.PDK)
		want  []string
	}{
		"method without argument": {func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(frame("kong.request.get_path"))
		}, nil},
		"part of a frame": {func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(frame("kong.request.get_path")[:9])
		}, nil},
		"reply unread": {func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(append(frame("kong.request.get_path"), frame("")...))
		}, []string{"kong.request.get_path"}},
		"reply half read": {func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(append(frame("kong.request.get_path"), frame("")...))
			_, _ = rawConn(kong).Read(make([]byte, 4))
			_, _ = rawConn(kong).Read(make([]byte, 2))
		}, []string{"kong.request.get_path"}},
		"two replies unread": {func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(append(frame("kong.request.get_path"), frame("")...))
			_, _ = rawConn(kong).Write(append(frame("kong.request.get_host"), frame("")...))
		}, []string{"kong.request.get_path", "kong.request.get_host"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, plain("test", func() any {
				return &failingConfig{
					funcConfig{access: func(kong *pdk.PDK) { tt.until(kong); panic("here") }},
					func(kong *pdk.PDK, _ error) {
						if path, err := kong.Request.GetPath(); path != "/p" || err != nil {
							t.Errorf("GetPath after the panic = %q, %v", path, err)
						}
					},
				}
			}))
			id := srv.mustStart(t, "test", []byte(`{}`))
			for range 2 { // twice on the same connection
				effects := srv.event(t, id, kongtest.Request{Path: "/p"})
				want := append(append([]string{}, tt.want...), "kong.request.get_path")
				if diff := cmp.Diff(want, effects.Calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			}
			if got := srv.metric(t, "connections", nil); got != 1 {
				t.Errorf("connections = %v: the panic cost one", got)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r rateLimit
		for i, tt := range []struct {
			sleep      time.Duration
			ok         bool
			suppressed int
		}{{0, true, 0}, {0, false, 0}, {logInterval / 2, false, 0}, {logInterval / 2, true, 2}, {logInterval, true, 0}} {
			time.Sleep(tt.sleep)
			if suppressed, ok := r.allow(time.Now()); ok != tt.ok || suppressed != tt.suppressed {
				t.Errorf("step %d: allow = %d, %v; want %d, %v", i, suppressed, ok, tt.suppressed, tt.ok)
			}
		}
	})
}

func TestIdleInstancesAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := 0
		srv, err := New(Options{IdleInstance: time.Hour}, plain("test", func() any {
			return &funcConfig{onClose: func() { closed++ }}
		}))
		if err != nil {
			t.Fatal(err)
		}
		idle := srv.instances.start("test", []byte(`{"key":"idle"}`))
		busy := srv.instances.start("test", []byte(`{"key":"busy"}`))
		srv.instances.acquire(busy.id) // an event that runs on
		time.Sleep(2 * time.Hour)
		srv.instances.start("test", []byte(`{"key":"new"}`))
		synctest.Wait()
		if closed != 1 || srv.instances.find(idle.id) != nil || srv.instances.find(busy.id) == nil {
			t.Errorf("closed %d, idle %v, busy %v; want the idle one closed", closed, srv.instances.find(idle.id), srv.instances.find(busy.id))
		}
	})
}
