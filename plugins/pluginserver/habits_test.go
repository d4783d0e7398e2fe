package pluginserver

import (
	"errors"
	"sync"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// habitual is the configuration of a plugin with the state that public ones
// keep in theirs. An embedded mutex and what is not exported are no part of the
// schema.
type habitual struct {
	sync.Mutex
	Limit  *int64 `json:"limit,omitempty"`
	once   sync.Once
	opened int
	events int
	handle func(*pdk.PDK, *habitual)
}

func (h *habitual) Access(kong *pdk.PDK) { h.handle(kong, h) }

// TestHabitsOfPublicPlugins runs what public plugins do in their handlers. Each
// event runs three times on one connection, and Kong must get the same each time.
func TestHabitsOfPublicPlugins(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handle func(*pdk.PDK, *habitual)
		calls  []string
		exit   int
	}{
		"go on after an exit": {func(kong *pdk.PDK, _ *habitual) {
			kong.Response.Exit(401, []byte("no"), nil)
			if token, err := kong.Request.GetHeader("Authorization"); err == nil || token != "" {
				t.Errorf("GetHeader after an exit = %q, %v; want an error", token, err)
			}
			_ = kong.ServiceRequest.SetHeader("X-User", "")
		}, []string{exitCall}, 401},
		"exit twice": {func(kong *pdk.PDK, _ *habitual) {
			kong.Response.ExitStatus(401)
			kong.Response.ExitStatus(500)
		}, []string{exitCall}, 401},
		"trip over nil after an exit": {func(kong *pdk.PDK, h *habitual) {
			kong.Response.ExitStatus(403)
			*h.Limit++
		}, []string{exitCall}, 403},
		"log what no message holds": {func(kong *pdk.PDK, _ *habitual) {
			if err := kong.Log.Info(kong); err == nil {
				t.Error("a *pdk.PDK was logged")
			}
			_ = kong.Log.Err(errors.New("an error"))
			_ = kong.Log.Err("text")
		}, []string{"kong.log.err"}, 0},
		"keep a part of the PDK": {func(kong *pdk.PDK, _ *habitual) {
			log, request := kong.Log, kong.Request
			path, _ := request.GetPath()
			_ = log.Info(path)
		}, []string{"kong.request.get_path", "kong.log.info"}, 0},
		"call from goroutines that it waits for": {func(kong *pdk.PDK, _ *habitual) {
			var work sync.WaitGroup
			work.Go(func() { _, _ = kong.Request.GetPath() })
			work.Wait()
			work.Go(func() { _ = kong.ServiceRequest.SetHeader("X", "1") })
			work.Wait()
		}, []string{"kong.request.get_path", "kong.service.request.set_header"}, 0},
		"open something once": {func(kong *pdk.PDK, h *habitual) {
			h.once.Do(func() { h.opened++ })
			h.Lock()
			h.events++
			h.Unlock()
			if h.opened != 1 || h.events > 3 {
				t.Errorf("opened %d times, %d events; want once in three", h.opened, h.events)
			}
			_ = kong.Log.Info("counted")
		}, []string{"kong.log.info"}, 0},
		"get headers without a limit": {func(kong *pdk.PDK, _ *habitual) {
			_, _ = kong.Request.GetHeaders(-1)
			_, _ = kong.Request.GetQuery(-1)
		}, []string{"kong.request.get_headers", "kong.request.get_query"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, plain("test", func() any { return &habitual{handle: tt.handle} }))
			id := srv.mustStart(t, "test", []byte(`{"__seq__":1}`))
			for range 3 {
				effects := srv.event(t, id, kongtest.Request{})
				if diff := cmp.Diff(tt.calls, effects.Calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if exited := effects.Exit != nil; exited != (tt.exit != 0) || exited && effects.Exit.Status != tt.exit {
					t.Errorf("exit = %+v, want status %d", effects.Exit, tt.exit)
				}
			}
		})
	}
}

// TestPDKKeptByAGoroutine uses a *pdk.PDK after its event, while the next one
// runs on the same connection: the goroutine gets an error, the event nothing.
func TestPDKKeptByAGoroutine(t *testing.T) {
	t.Parallel()
	var kept *pdk.PDK
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		if kept == nil {
			kept = kong
			return
		}
		if err := kept.Log.Info("late"); !errors.Is(err, errEnded) {
			t.Errorf("a call after its event: %v, want errEnded", err)
		}
		if path, err := kong.Request.GetPath(); path != "/p" || err != nil {
			t.Errorf("GetPath of the next event = %q, %v", path, err)
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	srv.event(t, id, kongtest.Request{})
	effects := srv.event(t, id, kongtest.Request{Path: "/p"})
	if diff := cmp.Diff([]string{"kong.request.get_path"}, effects.Calls); diff != "" {
		t.Errorf("calls of the next event (-want +got):\n%s", diff)
	}
	if got := srv.metric(t, "connections", nil); got != 1 {
		t.Errorf("connections = %v, want both events on one", got)
	}
}
