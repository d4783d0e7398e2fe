package pluginserver

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestDeadlineCostsOneEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leave, late := make(chan struct{}), make(chan error, 1)
		srv := pipe(t, Options{}, timed(accessPlugin(func(kong *pdk.PDK) {
			_ = kong.Response.SetHeader("X", "before")
			if path, _ := kong.Request.GetPath(); path == "/bad" {
				<-leave
				_, err := kong.Request.GetPath()
				late <- err
			}
		})))
		began := time.Now()
		effects, err := srv.run(t, "access", kongtest.Request{Path: "/bad"})
		if err != nil || effects.Response.Headers.Get("X") != "before" {
			t.Errorf("the event that was cut off: %v, %+v; want it to end normally with what was done", err, effects.Response)
		}
		if took := time.Since(began); took != DefaultDeadline {
			t.Errorf("it took %v, want %v", took, DefaultDeadline)
		}
		if effects, err = srv.run(t, "access", kongtest.Request{Path: "/good"}); err != nil {
			t.Errorf("the next event on the connection: %v", err)
		}
		synctest.Wait()
		if got := srv.metric(t, "abandoned_handlers", nil); got != 1 {
			t.Errorf("abandoned handlers = %v, want 1", got)
		}
		calls := len(effects.Calls)
		close(leave)
		if err := <-late; !errors.Is(err, errCutOff) || len(effects.Calls) != calls {
			t.Errorf("a PDK call after the cut: %v, want errCutOff", err)
		}
		synctest.Wait()
		if got := srv.metric(t, "abandoned_handlers", nil); got != 0 {
			t.Errorf("abandoned handlers at the end = %v, want 0", got)
		}
		for how, want := range map[string]float64{"deadline": 1, "ok": 1} {
			if got := srv.metric(t, "events_total", map[string]string{"outcome": how}); got != want {
				t.Errorf("events with outcome %s = %v, want %v", how, got, want)
			}
		}
		logs := srv.logs.String()
		if strings.Count(logs, "cut off at its deadline") != 1 || !strings.Contains(logs, "TestDeadlineCostsOneEvent") {
			t.Errorf("logged %s\nwant one line with the handler's stack", logs)
		}
	})
}

func TestDeadlineLogsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := accessPlugin(func(*pdk.PDK) { time.Sleep(time.Minute) })
		p.Deadline = 10 * time.Millisecond
		srv := pipe(t, Options{}, p)
		for range 5 {
			if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
				t.Fatal(err)
			}
		}
		_ = srv.far.Close()
		time.Sleep(time.Hour)
		if n := strings.Count(srv.logs.String(), "cut off at its deadline"); n != 1 {
			t.Errorf("%d log lines, want 1", n)
		}
		if got := srv.metric(t, "log_lines_suppressed_total", nil); got != 4 {
			t.Errorf("suppressed lines = %v, want 4", got)
		}
	})
}

// TestDirection holds what becomes of an event to what its plugin declares, for
// each way in which a handler can fail.
func TestDirection(t *testing.T) {
	t.Parallel()
	for how, fail := range map[string]func(*pdk.PDK){
		"deadline": func(*pdk.PDK) { time.Sleep(time.Second) },
		"panic":    func(*pdk.PDK) { panic("oh no") },
		"goexit":   func(*pdk.PDK) { runtime.Goexit() },
	} {
		for phase, exits := range map[string]bool{
			"certificate": false, "rewrite": true, "access": true, "response": true, "preread": true, "log": false,
		} {
			for _, closed := range []bool{true, false} {
				t.Run(how+" in "+phase+map[bool]string{true: " closed", false: " open"}[closed], func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						p := timed(plain("test", func() any { return &phasedConfig{fail} }))
						p.FailClosed = closed
						srv := pipe(t, Options{}, p)
						effects, err := srv.run(t, phase, kongtest.Request{})
						if exits && closed {
							if !errors.Is(err, kongtest.ErrExit) || effects.Exit.Status != 503 ||
								effects.Exit.Headers.Get("Content-Type") != "application/problem+json" {
								t.Errorf("event: %v, exit %+v; want 503", err, effects.Exit)
							}
						} else if err != nil || len(effects.Calls) > 0 {
							t.Errorf("event: %v, calls %v; want it to end normally", err, effects.Calls)
						}
						_ = srv.far.Close()
						<-srv.ended
						time.Sleep(time.Second)
						outcome := map[string]string{"deadline": "deadline", "panic": "panic", "goexit": "panic"}[how]
						if got := srv.metric(t, "events_total", map[string]string{"phase": phase, "outcome": outcome}); got != 1 {
							t.Errorf("events with outcome %s = %v, want 1", outcome, got)
						}
					})
				})
			}
		}
	}
}

func TestFailedOfAHandlerThatIsCutOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failed func(*pdk.PDK)
		closed bool
		want   int // status of the exit
	}{
		"decides":                   {func(kong *pdk.PDK) { kong.Response.ExitStatus(418) }, true, 418},
		"lets it pass":              {func(*pdk.PDK) {}, true, 0},
		"hangs in turn, closed":     {func(*pdk.PDK) { time.Sleep(time.Hour) }, true, 503},
		"hangs in turn, open":       {func(*pdk.PDK) { time.Sleep(time.Hour) }, false, 0},
		"panics in turn":            {func(*pdk.PDK) { panic("again") }, true, 503},
		"exits, then hangs":         {func(kong *pdk.PDK) { kong.Response.ExitStatus(418); time.Sleep(time.Hour) }, true, 418},
		"ends its goroutine":        {func(*pdk.PDK) { runtime.Goexit() }, true, 503},
		"ends it and open":          {func(*pdk.PDK) { runtime.Goexit() }, false, 0},
		"speaks to Kong beforehand": {func(kong *pdk.PDK) { _, _ = kong.Request.GetPath(); kong.Response.ExitStatus(418) }, true, 418},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				causes := make(chan error, 1)
				p := timed(plain("test", func() any {
					return &failingConfig{
						funcConfig{access: func(kong *pdk.PDK) {
							_ = kong.Response.SetHeader("X", "held back")
							time.Sleep(time.Hour)
						}},
						func(kong *pdk.PDK, err error) { causes <- err; tt.failed(kong) },
					}
				}))
				p.FailClosed = tt.closed
				srv := pipe(t, Options{}, p)
				effects, _ := srv.run(t, "access", kongtest.Request{})
				got := 0
				if effects.Exit != nil {
					got = effects.Exit.Status
				}
				if cause := <-causes; got != tt.want || !errors.Is(cause, errCutOff) || effects.Response.Headers.Get("X") == "" {
					t.Errorf("exit %d after %v, headers %v; want %d after errCutOff, and the header", got, cause, effects.Response.Headers, tt.want)
				}
				_ = srv.far.Close()
				time.Sleep(2 * time.Hour)
				if got := srv.metric(t, "abandoned_handlers", nil); got != 0 {
					t.Errorf("abandoned handlers at the end = %v", got)
				}
			})
		})
	}
}

func TestDeadlineOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		plugin  time.Duration
		options map[string]time.Duration
		want    time.Duration // until the event ends, of a handler that takes an hour
	}{
		"default":          {0, nil, DefaultDeadline},
		"the plugin's":     {time.Second, nil, time.Second},
		"none":             {-1, nil, time.Hour},
		"the operator's":   {time.Second, map[string]time.Duration{"test": time.Minute}, time.Minute},
		"the operator's 0": {time.Second, map[string]time.Duration{"test": 0}, DefaultDeadline},
		"operator, none":   {time.Second, map[string]time.Duration{"test": -1}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := accessPlugin(func(*pdk.PDK) { time.Sleep(time.Hour) })
				p.Deadline = tt.plugin
				srv := pipe(t, Options{Deadlines: tt.options}, p)
				began := time.Now()
				_, err := srv.run(t, "access", kongtest.Request{})
				if took := time.Since(began); took != tt.want || err != nil {
					t.Errorf("the event took %v, %v; want %v", took, err, tt.want)
				}
			})
		})
	}
	_, err := New(Options{Deadlines: map[string]time.Duration{"tset": 1}}, accessPlugin(func(*pdk.PDK) {}))
	if err == nil || !strings.Contains(err.Error(), `"tset"`) {
		t.Errorf("New with a deadline of no plugin = %v, want an error that names it", err)
	}
}

// TestDeadlinesOnOneConnection runs events of different deadlines in turn: the
// timer is set for an earlier one.
func TestDeadlinesOnOneConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := accessPlugin(func(*pdk.PDK) { time.Sleep(30 * time.Millisecond) })
		slow.Name, slow.Deadline = "slow", 10*time.Second
		fast := accessPlugin(func(*pdk.PDK) { time.Sleep(time.Hour) })
		fast.Name, fast.Deadline = "fast", 50*time.Millisecond
		srv := pipe(t, Options{}, slow, fast)
		for _, tt := range []struct {
			plugin string
			want   time.Duration
		}{
			{"slow", 30 * time.Millisecond},
			{"fast", 50 * time.Millisecond},
			{"slow", 30 * time.Millisecond},
			{"slow", 30 * time.Millisecond},
			{"fast", 50 * time.Millisecond},
		} {
			srv.names[0] = tt.plugin
			began := time.Now()
			if _, err := srv.run(t, "access", kongtest.Request{}); err != nil || time.Since(began) != tt.want {
				t.Errorf("an event of %s took %v, %v; want %v", tt.plugin, time.Since(began), err, tt.want)
			}
		}
	})
}

// TestWaitingForKongIsNotThePlugins holds the time that Kong takes to reply,
// such as for a body that a client sends slowly, out of the deadline.
func TestWaitingForKongIsNotThePlugins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const took = 4 * time.Minute // more than a frame may take to arrive
		var conn *eventConn
		p := accessPlugin(func(kong *pdk.PDK) {
			conn = rawConn(kong).(*eventConn)
			if body, err := kong.Request.GetRawBody(); string(body) != "b" || err != nil {
				t.Errorf("body = %q, %v", body, err)
			}
			if e, ok := conn.cutOff(conn.link); ok {
				t.Errorf("cut off for Kong's time: %+v", e)
			}
			if fires := conn.link.fires.Load(); fires != conn.link.clock(conn.due.Add(took)) {
				t.Errorf("the timer is set for %v, want it after the deadline by as much as Kong took", time.Duration(fires))
			}
		})
		p.Deadline = -1
		srv := pipe(t, Options{}, p)
		srv.plugins["test"].deadline = 0
		_ = kongtest.WriteFrame(srv.far, eventCall(1, srv.instances.start("test", nil).id, "access"))
		kong := kongtest.New(kongtest.Request{Body: []byte("b")})
		method, _ := kongtest.ReadFrame(srv.far)
		args, _ := kongtest.ReadFrame(srv.far)
		conn.due = time.Now().Add(DefaultDeadline)
		time.Sleep(took)
		reply, err := kong.Answer(string(method), args)
		if err != nil {
			t.Fatal(err)
		}
		_ = kongtest.WriteFrame(srv.far, reply)
		if err := kong.Serve(srv.far); err != nil {
			t.Errorf("the event ended with %v", err)
		}
	})
}

func TestPanicAfterTheCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{}, timed(accessPlugin(func(*pdk.PDK) { time.Sleep(time.Second); panic("late") })))
		if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
			t.Error(err)
		}
		_ = srv.far.Close()
		time.Sleep(time.Minute)
		if got := srv.metric(t, "panics_total", nil); got != 1 || !strings.Contains(srv.logs.String(), "late") {
			t.Errorf("panics = %v, logs %s; want it counted and logged", got, srv.logs)
		}
	})
}

func TestTooManyAbandonedHandlers(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	p := accessPlugin(func(*pdk.PDK) { <-leave })
	p.Deadline = 5 * time.Millisecond
	srv := serve(t, Options{MaxAbandoned: 2}, p)
	defer close(leave)
	id := srv.mustStart(t, "test", []byte(`{}`))
	for range 3 {
		srv.event(t, id, kongtest.Request{}) // ends normally, the last one too
	}
	if err := srv.served(); !errors.Is(err, ErrReplace) {
		t.Errorf("Serve = %v, want ErrReplace", err)
	}
	if !strings.Contains(srv.logs.String(), "draining to be replaced") {
		t.Errorf("not logged: %s", srv.logs)
	}
}

// TestHandlersThatEndAtTheirDeadline has the handler and the timer race for
// the connection.
func TestHandlersThatEndAtTheirDeadline(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	p := accessPlugin(func(kong *pdk.PDK) {
		until := time.Now().Add(time.Duration(n.Add(1)%20) * 50 * time.Microsecond)
		for time.Now().Before(until) {
			if kong.Response.AddHeader("X", "1") != nil {
				return
			}
		}
		_, _ = kong.Request.GetPath()
	})
	p.Deadline = 500 * time.Microsecond
	srv := serve(t, Options{MaxAbandoned: 1000}, p)
	id := srv.mustStart(t, "test", []byte(`{}`))
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for range 100 {
				if _, err := srv.HandleEvent(id, "access", kongtest.Request{Path: "/"}); err != nil {
					t.Errorf("event: %v", err)
				}
			}
		})
	}
	workers.Wait()
	_ = srv.stop() // by now everything is counted
	ok := srv.metric(t, "events_total", map[string]string{"outcome": "ok"})
	cut := srv.metric(t, "events_total", map[string]string{"outcome": "deadline"})
	if ok+cut != 300 {
		t.Errorf("%v events ended in time and %v were cut off, want 300 in all", ok, cut)
	}
}
