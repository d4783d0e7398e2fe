package pluginserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, plain("hello", func() any {
		c := &funcConfig{}
		c.access = func(kong *pdk.PDK) {
			path, err := kong.Request.GetPath()
			if err != nil {
				t.Error(err)
			}
			_ = kong.Response.SetHeader("X-Key", c.Key+path)
		}
		c.log = func(kong *pdk.PDK) { _ = kong.Log.Notice("done") }
		return c
	}))
	id := srv.mustStart(t, "hello", map[string]any{"key": "k", "__seq__": 1})
	effects := srv.event(t, id, kongtest.Request{Path: "/x"})
	if got := effects.Response.Headers.Get("X-Key"); got != "k/x" {
		t.Errorf("X-Key = %q, want k/x", got)
	}
	effects, err := srv.HandleEvent(id, "log", kongtest.Request{})
	if err != nil || len(effects.Logs) != 1 {
		t.Errorf("log phase: %v, %+v", err, effects.Logs)
	}
	status, err := srv.InstanceStatus(id)
	if err != nil || status.Name != "hello" || status.InstanceId != id || status.StartedAt == 0 {
		t.Errorf("status = %v, %v", status, err)
	}
	if status, err := srv.InstanceStatus(id + 1); err != nil || status.InstanceId != 0 {
		t.Errorf("status of an unknown instance = %v, %v", status, err)
	}
	for phase, want := range map[string]float64{"access": 1, "log": 1, "rewrite": 0} {
		if got := srv.metric(t, "events_total", map[string]string{"phase": phase, "outcome": "ok", "plugin": "hello"}); got != want {
			t.Errorf("events_total of %s = %v, want %v", phase, got, want)
		}
	}
	if got := srv.metric(t, "event_duration_seconds", nil); got != 2 {
		t.Errorf("durations observed = %v, want 2", got)
	}
	if got := srv.metric(t, "pdk_calls_total", map[string]string{"method": "kong.request.get_path"}); got != 1 {
		t.Errorf("get_path calls counted = %v, want 1", got)
	}
}

func TestUnknownInstanceIsStartedAnew(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
	_, err := srv.HandleEvent(12345, "access", kongtest.Request{})
	if !kongtest.ShouldRestart(err) || errors.Is(err, kongtest.ErrClosed) || !strings.Contains(err.Error(), "12345") {
		t.Errorf("event of an unknown instance: %v; want one that Kong answers with a start, and says the id", err)
	}
	if got := srv.metric(t, "events_total", map[string]string{"outcome": "refused"}); got != 1 {
		t.Errorf("refused events = %v, want 1", got)
	}
}

func TestRefusedEventsSayWhy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		plugin, phase string
		want          string
	}{
		"unknown plugin":  {"other", "access", `no plugin "other" in this plugin server`},
		"phase not there": {"test", "rewrite", "test has no phase rewrite"},
		"made-up phase":   {"test", "made-up", "no phase made-up"},
		"no restart":      {"Closed", "access", `no plugin "cl-osed" in this plugin server`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
			id := srv.mustStart(t, tt.plugin, []byte(`{}`))
			_, err := srv.HandleEvent(id, tt.phase, kongtest.Request{})
			if !errors.Is(err, kongtest.ErrNoMethod) || kongtest.ShouldRestart(err) {
				t.Fatalf("event: %v; want one that Kong answers with a 500", err)
			}
			if !strings.Contains(strings.ToLower(strings.ReplaceAll(err.Error(), `\`, "")), tt.want) {
				t.Errorf("Kong logs %q, want it to say %q", err, tt.want)
			}
			if err := srv.CloseInstance(id); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

func TestInstancesAreShared(t *testing.T) {
	t.Parallel()
	var made, closed atomic.Int32
	srv := serve(t, Options{}, plain("test", func() any {
		made.Add(1)
		return &funcConfig{access: func(*pdk.PDK) {}, onClose: func() { closed.Add(1) }}
	}))
	made.Store(0) // New looks at one
	a := srv.mustStart(t, "test", []byte(`{"key":"x","__seq__":1}`))
	b := srv.mustStart(t, "test", []byte(`{"__seq__":2,"key":"x","route_id":"r"}`))
	other := srv.mustStart(t, "test", []byte(`{"key":"y"}`))
	if a != b || a == other || made.Load() != 2 || a <= 0 || other <= 0 {
		t.Fatalf("ids %d, %d, %d of %d configurations; want the first two the same", a, b, other, made.Load())
	}
	_ = srv.CloseInstance(a)
	srv.event(t, b, kongtest.Request{})
	if closed.Load() != 0 {
		t.Error("closed while another worker uses it")
	}
	_ = srv.CloseInstance(b)
	_ = srv.CloseInstance(b) // once too often
	if closed.Load() != 1 {
		t.Errorf("closed %d times, want once", closed.Load())
	}
	if got := srv.metric(t, "instances", nil); got != 1 {
		t.Errorf("instances = %v, want 1", got)
	}
	if again := srv.mustStart(t, "test", []byte(`{"key":"x"}`)); again != a || made.Load() != 3 {
		t.Errorf("started anew: id %d of %d configurations, want %d of 3: the id is the content's", again, made.Load(), a)
	}
}

func TestCloseWaitsForEvents(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	var closed atomic.Bool
	srv := serve(t, Options{}, plain("test", func() any {
		return &funcConfig{
			access:  func(*pdk.PDK) { close(entered); <-leave },
			onClose: func() { closed.Store(true) },
		}
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	done := make(chan error)
	go func() { _, err := srv.HandleEvent(id, "access", kongtest.Request{}); done <- err }()
	<-entered
	_ = srv.CloseInstance(id)
	if closed.Load() {
		t.Error("closed under a running event")
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	_ = srv.stop()
	if !closed.Load() {
		t.Error("not closed after the last event")
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	after := make(chan error, 2)
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		_ = kong.Response.SetHeader("X-Limit", "1")
		kong.Response.Exit(429, []byte("no"), map[string][]string{"Retry-After": {"1"}})
		after <- kong.Log.Info("never arrives")
		_, err := kong.Request.GetPath()
		after <- err
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	effects := srv.event(t, id, kongtest.Request{})
	if effects.Exit == nil || effects.Exit.Status != 429 || effects.Response.Headers.Get("X-Limit") != "1" || len(effects.Logs) != 0 {
		t.Errorf("effects = %+v", effects)
	}
	for range 2 {
		if err := <-after; err == nil {
			t.Error("a PDK call after exit succeeded")
		}
	}
	_ = srv.stop()
	if got := srv.metric(t, "events_total", map[string]string{"outcome": "exit"}); got != 1 {
		t.Errorf("exits counted = %v, want 1", got)
	}
	if logs := srv.logs.String(); logs != "" {
		t.Errorf("an exit was logged: %s", logs)
	}
}

func TestThrownErrorEndsTheConnectionOnly(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
		_ = kong.Response.SetHeader("", "Kong throws at an empty name")
		_ = kong.Response.SetHeader("X", "y")
	}))
	id := srv.mustStart(t, "test", []byte(`{}`))
	if _, err := srv.HandleEvent(id, "access", kongtest.Request{}); !errors.Is(err, kongtest.ErrThrown) {
		t.Fatalf("event: %v, want ErrThrown", err)
	}
	if _, err := srv.InstanceStatus(id); err != nil {
		t.Errorf("the next connection: %v", err)
	}
	_ = srv.stop()
	if got := srv.metric(t, "events_total", map[string]string{"outcome": "aborted"}); got != 1 {
		t.Errorf("aborted events = %v, want 1", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{MaxConnections: 4}, accessPlugin(func(kong *pdk.PDK) {
		path, _ := kong.Request.GetPath()
		for i := range 3 {
			_ = kong.Response.AddHeader("X", fmt.Sprint(i))
		}
		_ = kong.Response.SetHeader("Path", path)
	}))
	var workers sync.WaitGroup
	for w := range 4 { // as many as connections: more would wait in the backlog
		workers.Go(func() {
			path := fmt.Sprintf("/%d", w)
			for range 50 {
				id, err := srv.StartInstance("test", map[string]string{"key": path})
				if err != nil {
					t.Error(err)
					return
				}
				effects, err := srv.HandleEvent(id, "access", kongtest.Request{Path: path})
				want := http.Header{"X": {"0", "1", "2"}, "Path": {path}}
				if diff := cmp.Diff(want, effects.Response.Headers); err != nil || diff != "" {
					t.Errorf("event: %v, headers (-want +got):\n%s", err, diff)
				}
				_ = srv.CloseInstance(id)
			}
		})
	}
	workers.Wait()
	if got := srv.metric(t, "instances", nil); got != 0 {
		t.Errorf("instances left = %v", got)
	}
	if got := srv.metric(t, "connections", nil); got > 4 {
		t.Errorf("connections = %v, want at most 4", got)
	}
}

func TestConnectionsBeyondTheBoundWait(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	srv := serve(t, Options{MaxConnections: 1}, accessPlugin(func(*pdk.PDK) { entered <- struct{}{}; <-leave }))
	id := srv.mustStart(t, "test", []byte(`{}`)) // leaves an idle connection
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := srv.HandleEvent(id, "access", kongtest.Request{}); first <- err }()
	<-entered
	other := kongtest.NewClient(srv.path)
	go func() { _, err := other.HandleEvent(id, "access", kongtest.Request{}); second <- err }()
	select {
	case <-entered:
		t.Error("a second connection was served")
	case err := <-second:
		t.Errorf("a second connection was not made to wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	_ = srv.Close() // frees the slot
	if err := <-second; err != nil {
		t.Errorf("the call that waited: %v", err)
	}
	_ = other.Close()
}

func TestHealth(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	srv := serve(t, Options{}, accessPlugin(func(*pdk.PDK) { close(entered); <-leave }))
	get := func(path string) int {
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code
	}
	id := srv.mustStart(t, "test", []byte(`{}`))
	if h, r := get("/healthz"), get("/readyz"); h != 200 || r != 200 {
		t.Errorf("while serving: healthz %d, readyz %d; want 200, 200", h, r)
	}
	go func() { _, _ = srv.HandleEvent(id, "access", kongtest.Request{}) }()
	<-entered
	stopped := make(chan error)
	go func() { stopped <- srv.stop() }()
	for get("/readyz") == 200 { // ends as soon as the stop is noticed
		time.Sleep(time.Millisecond)
	}
	if h := get("/healthz"); h != 200 {
		t.Errorf("while draining: healthz %d, want 200", h)
	}
	close(leave)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
