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
		if took := time.Since(began); took != DefaultDeadline+Grace {
			t.Errorf("it took %v, want %v", took, DefaultDeadline+Grace)
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
		if n := strings.Count(srv.logs.String(), "cut off at its deadline"); n != 3 { // in five times 510 ms
			t.Errorf("%d log lines, want 3", n)
		}
		if got := srv.metric(t, "log_lines_suppressed_total", nil); got != 2 {
			t.Errorf("suppressed lines = %v, want 2", got)
		}
	})
}

// TestDirection holds what becomes of an event to what its plugin declares, for
// each way in which a handler can fail.
func TestDirection(t *testing.T) {
	t.Parallel()
	for how, fail := range map[string]func(*pdk.PDK){
		"deadline": func(*pdk.PDK) { time.Sleep(time.Minute) },
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
						p.FailOpen = !closed
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
						time.Sleep(time.Minute)
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
				p.FailOpen = !tt.closed
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

// deadlineConfig is a configuration that may say a deadline of its own.
type deadlineConfig struct {
	phasedConfig
	own time.Duration
}

func (c *deadlineConfig) Deadline() time.Duration { return c.own }

func TestDeadlineOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		phase       string
		plugin, log time.Duration
		own         time.Duration
		options     map[string]time.Duration
		want        time.Duration // until the context ends, of a handler that takes an hour; 0 for never
	}{
		"none":                              {phase: "access"},
		"none in log":                       {phase: "log"},
		"the plugin's":                      {phase: "access", plugin: time.Second, want: time.Second},
		"the plugin's is not for log":       {phase: "log", plugin: time.Second},
		"the plugin's in log":               {phase: "log", plugin: time.Second, log: time.Minute, want: time.Minute},
		"less than none":                    {phase: "access", plugin: -1},
		"the operator's":                    {phase: "access", plugin: time.Second, options: map[string]time.Duration{"test": time.Minute}, want: time.Minute},
		"the operator's 0":                  {phase: "access", plugin: time.Second, options: map[string]time.Duration{"test": 0}},
		"the operator's is not for log":     {phase: "log", plugin: time.Second, log: 2 * time.Second, options: map[string]time.Duration{"test": 1, "*": 1}, want: 2 * time.Second},
		"the operator's in log":             {phase: "log", log: time.Second, options: map[string]time.Duration{"test.log": time.Minute}, want: time.Minute},
		"the operator's in a phase":         {phase: "rewrite", options: map[string]time.Duration{"test": 1, "test.rewrite": 2, "*.rewrite": 3}, want: 2},
		"the operator's for all":            {phase: "access", plugin: time.Second, options: map[string]time.Duration{"*": time.Minute}, want: time.Minute},
		"the operator's for all in a phase": {phase: "log", options: map[string]time.Duration{"*": 1, "*.log": 2}, want: 2},
		"the configuration's":               {phase: "access", plugin: time.Second, own: 2 * time.Second, want: 2 * time.Second},
		"the configuration's none":          {phase: "access", plugin: time.Second, own: -1},
		"the configuration's is not in log": {phase: "log", log: time.Second, own: time.Minute, want: time.Second},
		"the configuration's and for all":   {phase: "access", own: 2 * time.Second, options: map[string]time.Duration{"*": 1}, want: 2 * time.Second},
		"the operator has the last word":    {phase: "access", own: time.Minute, options: map[string]time.Duration{"test": time.Second}, want: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := plain("test", func() any {
					return &deadlineConfig{phasedConfig{func(*pdk.PDK) { time.Sleep(time.Hour) }}, tt.own}
				})
				p.Deadline, p.LogDeadline, p.FailOpen = tt.plugin, tt.log, true
				srv := pipe(t, Options{Deadlines: tt.options}, p)
				began, want := time.Now(), time.Hour
				if tt.want > 0 {
					want = tt.want + Grace
				}
				_, err := srv.run(t, tt.phase, kongtest.Request{})
				if took := time.Since(began); took != want || err != nil {
					t.Errorf("the event took %v, %v; want %v", took, err, want)
				}
			})
		})
	}
	for _, name := range []string{"tset", "test.lgo", "*.lgo", "log"} {
		_, err := New(Options{Deadlines: map[string]time.Duration{name: 1}}, accessPlugin(func(*pdk.PDK) {}))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with a deadline of %s = %v, want an error that names it", name, err)
		}
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
			{"fast", 50*time.Millisecond + Grace},
			{"slow", 30 * time.Millisecond},
			{"slow", 30 * time.Millisecond},
			{"fast", 50*time.Millisecond + Grace},
		} {
			srv.plugin = tt.plugin
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
		srv := pipe(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
			conn = rawConn(kong).(*eventConn)
			if body, err := kong.Request.GetRawBody(); string(body) != "b" || err != nil {
				t.Errorf("body = %q, %v", body, err)
			}
			if e, cut := conn.tick(); cut || conn.ctx.Err() != nil {
				t.Errorf("cut off for Kong's time: %+v, %v", e, conn.ctx.Err())
			}
			due, ok := conn.ctx.Deadline()
			if fires := conn.session.fires.Load(); !ok || fires != conn.session.clock(due) || fires-conn.ctx.due != int64(took) {
				t.Errorf("the timer is set for %v, want it after the deadline by as much as Kong took", time.Duration(fires))
			}
		}))
		_ = kongtest.WriteFrame(srv.far, eventCall(1, srv.instances.start("test", nil).id, "access"))
		kong := kongtest.New(kongtest.Request{Body: []byte("b")})
		method, _ := kongtest.ReadFrame(srv.far)
		args, _ := kongtest.ReadFrame(srv.far)
		conn.ctx.due = conn.session.clock(time.Now().Add(DefaultDeadline)) // whose timer would wait for a lock, which no bubble can
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

// TestTimeWithoutAProcessorCutsNothing has ticks come late, as in a process that had no
// processor: they do not count, however many they are.
func TestTimeWithoutAProcessorCutsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		srv := pipe(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
			conn := rawConn(kong).(*eventConn)
			conn.ctx.due = conn.session.clock(time.Now())
			for range 100 * graceTicks { // late
				if _, cut := conn.tick(); cut {
					t.Error("cut off by a late tick")
					return
				}
				conn.session.timer.Stop()
				time.Sleep(graceTick + lateTick + 1)
			}
			for i := range graceTicks { // in time, just
				if _, cut := conn.tick(); cut {
					t.Errorf("cut off after %d ticks in time", i)
					return
				}
				conn.session.timer.Stop()
				time.Sleep(graceTick + lateTick)
			}
			if _, cut := conn.tick(); !cut {
				t.Errorf("not cut off after %d ticks in time", graceTicks)
			}
			close(done)
		}))
		_ = kongtest.WriteFrame(srv.far, eventCall(1, srv.instances.start("test", nil).id, "access"))
		<-done
	})
}

func TestPanicAfterTheCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{}, timed(accessPlugin(func(*pdk.PDK) { time.Sleep(time.Minute); panic("late") })))
		if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
			t.Error(err)
		}
		_ = srv.far.Close()
		time.Sleep(time.Hour)
		if got := srv.metric(t, "panics_total", nil); got != 1 || !strings.Contains(srv.logs.String(), "late") {
			t.Errorf("panics = %v, logs %s; want it counted and logged", got, srv.logs)
		}
	})
}

// TestHandlersThatAreCutOffAsTheyEnd has the handler and the timer race for
// the connection.
func TestHandlersThatAreCutOffAsTheyEnd(t *testing.T) {
	t.Parallel()
	const workers, rounds = 50, 2
	var n atomic.Int64
	p := accessPlugin(func(kong *pdk.PDK) {
		time.Sleep(Grace)
		until := time.Now().Add(time.Duration(n.Add(1)%20) * 100 * time.Microsecond)
		for time.Now().Before(until) {
			if kong.Response.AddHeader("X", "1") != nil {
				return
			}
		}
		_, _ = kong.Request.GetPath()
	})
	p.Deadline, p.FailOpen = 500*time.Microsecond, true
	srv := serve(t, Options{MaxAbandoned: 1000}, p)
	id := srv.mustStart(t, "test", []byte(`{}`))
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for range rounds {
				if _, err := srv.HandleEvent(id, "access", kongtest.Request{Path: "/"}); err != nil {
					t.Errorf("event: %v", err)
				}
			}
		})
	}
	running.Wait()
	_ = srv.stop() // by now everything is counted
	ok := srv.metric(t, "events_total", map[string]string{"outcome": "ok"})
	cut := srv.metric(t, "events_total", map[string]string{"outcome": "deadline"})
	if ok+cut != workers*rounds {
		t.Errorf("%v events ended in time and %v were cut off, want %d in all", ok, cut, workers*rounds)
	}
}
