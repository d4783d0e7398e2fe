package pluginserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// contextConfig has a handler with a context and one without, in the access phase, and
// one of them in others.
type contextConfig struct {
	handle func(context.Context, *pdk.PDK)
}

func (c *contextConfig) Access(*pdk.PDK)                                   { panic("not this one") }
func (c *contextConfig) AccessContext(ctx context.Context, kong *pdk.PDK)  { c.handle(ctx, kong) }
func (c *contextConfig) RewriteContext(ctx context.Context, kong *pdk.PDK) { c.handle(ctx, kong) }
func (c *contextConfig) LogContext(ctx context.Context, kong *pdk.PDK)     { c.handle(ctx, kong) }
func (c *contextConfig) CertificateContext(ctx context.Context, kong *pdk.PDK) {
	c.handle(ctx, kong)
}
func (c *contextConfig) ResponseContext(ctx context.Context, kong *pdk.PDK) { c.handle(ctx, kong) }
func (c *contextConfig) PrereadContext(ctx context.Context, kong *pdk.PDK)  { c.handle(ctx, kong) }

func contextPlugin(handle func(context.Context, *pdk.PDK)) Plugin {
	return plain("test", func() any { return &contextConfig{handle} })
}

func TestContextEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for _, phase := range phaseNames {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			want := DefaultDeadline
			if phase == "log" {
				want = DefaultLogDeadline
			}
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				srv := pipe(t, Options{}, timed(contextPlugin(func(ctx context.Context, kong *pdk.PDK) {
					if due, ok := ctx.Deadline(); !ok || due.Sub(began) != want || ctx.Err() != nil {
						t.Errorf("the context ends %v from now (%v), with %v; want %v from now", due.Sub(began), ok, ctx.Err(), want)
					}
					<-ctx.Done()
					if took := time.Since(began); took != want || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
						t.Errorf("the context ended after %v with %v, want %v and DeadlineExceeded", took, ctx.Err(), want)
					}
					_ = kong.Log.Notice("still heard")
				})))
				effects, err := srv.run(t, phase, kongtest.Request{})
				if err != nil || len(effects.Logs) != 1 {
					t.Errorf("the event ended with %v, logs %v; want what the handler did when its context had ended", err, effects.Logs)
				}
				synctest.Wait()
				if got := srv.metric(t, "events_total", map[string]string{"phase": phase, "outcome": "ok"}); got != 1 {
					t.Errorf("events that ended in order = %v, want 1: its handler ended by itself", got)
				}
			})
		})
	}
}

func TestContextIsCanceledWhenTheEventIsOver(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(*pdk.PDK){
		"returned": func(*pdk.PDK) {},
		"exited":   func(kong *pdk.PDK) { kong.Response.ExitStatus(204) },
		"panicked": func(*pdk.PDK) { panic("oh no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ctx, derived context.Context
				called, stopped := 0, 0
				srv := pipe(t, Options{}, contextPlugin(func(c context.Context, kong *pdk.PDK) {
					if _, ok := c.Deadline(); ok {
						t.Error("there is a deadline that nobody asked for")
					}
					ctx, derived = c, context.WithValue(c, ctxKey{}, 1)
					context.AfterFunc(derived, func() { called++ })
					if stop := context.AfterFunc(ctx, func() { stopped++ }); !stop() || stop() {
						t.Error("stop reports something else than that it stopped, once")
					}
					handle(kong)
				}))
				_, _ = srv.run(t, "access", kongtest.Request{})
				<-ctx.Done()
				<-derived.Done()
				synctest.Wait()
				if !errors.Is(ctx.Err(), context.Canceled) || called != 1 || stopped != 0 {
					t.Errorf("the context ended with %v, %d functions were called and %d that were stopped; want Canceled, 1 and 0", ctx.Err(), called, stopped)
				}
				context.AfterFunc(ctx, func() { called++ })
				synctest.Wait()
				if called != 2 {
					t.Error("a function was not called that came after the end")
				}
			})
		})
	}
}

type ctxKey struct{}

// TestContextWithTimeoutStartsNothing derives a context as clients of anything do: it is
// told by a function, for which no goroutine waits, and which is gone with it.
func TestContextWithTimeoutStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{}, timed(contextPlugin(func(c context.Context, _ *pdk.PDK) {
			own := c.(*eventContext)
			ctx, cancel := context.WithTimeout(c, time.Hour)
			if own.done == nil || own.after == nil || own.after.previous != nil {
				t.Errorf("%v waits for the end, want one function", own.after)
			}
			if due, _ := ctx.Deadline(); time.Until(due) != DefaultDeadline {
				t.Errorf("the derived context ends in %v, want it to end with the event's", time.Until(due))
			}
			cancel()
			if own.after != nil {
				t.Error("a function waits after the cancel")
			}
		})))
		if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
			t.Error(err)
		}
	})
}

// TestContextOfAnEventThatIsCutOffByTheDrain ends with it.
func TestContextOfAnEventThatIsCutOffByTheDrain(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan struct{}), make(chan error, 1)
	srv := serve(t, Options{DrainTimeout: time.Millisecond}, contextPlugin(func(ctx context.Context, _ *pdk.PDK) {
		close(entered)
		<-ctx.Done()
		ended <- ctx.Err()
	}))
	id := srv.mustStart(t, "test", nil)
	go func() { _, _ = srv.HandleEvent(id, "access", kongtest.Request{}) }()
	<-entered
	_ = srv.stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v, want Canceled", err)
	}
}

func TestPhasesOfContextHandlers(t *testing.T) {
	t.Parallel()
	info, err := Info(contextPlugin(nil))
	if want := `["certificate","rewrite","access","response","preread","log"]`; err != nil || !strings.Contains(string(info), want) {
		t.Errorf("Info = %s, %v; want the phases %s", info, err, want)
	}
}

// Asking for the context's end costs its channel, and nothing else does.
func TestAllocationsOfAContext(t *testing.T) {
	for name, tt := range map[string]struct {
		handle func(context.Context, *pdk.PDK)
		most   float64
	}{
		"unused": {func(context.Context, *pdk.PDK) {}, 1},
		"looked at": {func(ctx context.Context, _ *pdk.PDK) {
			if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
				t.Error("there is no deadline, or it has passed")
			}
		}, 1},
		"waited for": {func(ctx context.Context, _ *pdk.PDK) { ctx.Done() }, 2},
	} {
		srv, err := New(Options{}, timed(contextPlugin(tt.handle)))
		if err != nil {
			t.Fatal(err)
		}
		sess := newSession(srv, discardConn{})
		sess.in = eventCall(7, srv.instances.start("test", nil).id, "access")
		got := testing.AllocsPerRun(1000, func() { _ = sess.answer() })
		if got > tt.most {
			t.Errorf("%s: %v allocations in an event, want at most %v", name, got, tt.most)
		}
	}
}
