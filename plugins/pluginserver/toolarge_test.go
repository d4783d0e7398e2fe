package pluginserver

import (
	"errors"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestAnswersThatAreTooLarge never pass: go-pdk tells a handler nothing of an exit that
// was not made.
func TestAnswersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	for name, exit := range map[string]func(*pdk.PDK){
		"too large": func(kong *pdk.PDK) { kong.Response.Exit(200, make([]byte, 5000), nil) },
		"headers": func(kong *pdk.PDK) {
			kong.Response.Exit(200, nil, map[string][]string{"X": {strings.Repeat("x", 5000)}})
		},
		"and goes on":  func(kong *pdk.PDK) { kong.Response.Exit(200, make([]byte, 5000), nil); _ = kong.Log.Err("on") },
		"without args": func(kong *pdk.PDK) { _, _ = rawConn(kong).Write(protocol.AppendFrame(nil, []byte(exitCall))) },
		"another comes": func(kong *pdk.PDK) {
			_, _ = rawConn(kong).Write(protocol.AppendFrame(nil, []byte(exitCall)))
			_ = kong.Log.Err("on")
		},
		"panics behind": func(kong *pdk.PDK) { kong.Response.Exit(200, make([]byte, 5000), nil); panic("oh no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{MaxFrame: 4000}, accessPlugin(func(kong *pdk.PDK) {
				_ = kong.Response.SetHeader("X-Before", "yes")
				exit(kong)
			}))
			id := srv.mustStart(t, "test", nil)
			for range 2 {
				effects := srv.event(t, id, kongtest.Request{})
				if effects.Exit == nil || effects.Exit.Status != 500 || effects.Exit.Headers.Get("Content-Type") != "application/problem+json" {
					t.Fatalf("exit = %+v, want a 500", effects.Exit)
				}
				if effects.Response.Headers.Get("X-Before") == "" || len(effects.Logs) > 0 {
					t.Errorf("the handler did %+v, logged %v; want what it did before, and nothing after", effects.Response, effects.Logs)
				}
			}
			_ = srv.stop()
			if got := srv.metric(t, "events_total", map[string]string{"outcome": "too_large"}); got != 2 {
				t.Errorf("answers that were too large = %v, want 2", got)
			}
			if n := strings.Count(srv.logs.String(), "-max-frame"); n != 1 {
				t.Errorf("%d log lines that name the flag, want 1 in a second", n)
			}
		})
	}
}

// TestRepliesThatAreTooLarge fail in the handler that asked, as on go-pdk's server a call
// does, and the event goes on.
func TestRepliesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{MaxFrame: 1 << 20}, accessPlugin(func(kong *pdk.PDK) {
		_ = kong.Response.SetHeader("X-Before", "yes")
		if _, err := kong.Request.GetRawBody(); !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("GetRawBody = %v, want protocol.ErrTooLarge", err)
		}
		kong.Response.ExitStatus(413)
	}))
	id := srv.mustStart(t, "test", nil)
	effects := srv.event(t, id, kongtest.Request{Body: make([]byte, 20_000_000)})
	if effects.Exit == nil || effects.Exit.Status != 413 || effects.Response.Headers.Get("X-Before") == "" {
		t.Errorf("effects: exit %+v, %+v; want the handler's 413", effects.Exit, effects.Response)
	}
}
