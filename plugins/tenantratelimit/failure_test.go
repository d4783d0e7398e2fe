package tenantratelimit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// fakeRedis runs no script: it admits, or fails, or hangs until it is well again.
type fakeRedis struct {
	err   error
	hang  bool
	well  atomic.Bool
	calls atomic.Int64
}

func (f *fakeRedis) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *fakeRedis) ProcessHook(redis.ProcessHook) redis.ProcessHook { return f.process }

func (f *fakeRedis) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			_ = f.process(ctx, cmd)
		}
		return nil
	}
}

var errNotPlayed = errors.New("the fake does not play this command")

func (f *fakeRedis) process(ctx context.Context, cmd redis.Cmder) error {
	run, ok := cmd.(*redis.Cmd)
	key := fmt.Sprint(cmd.Args()[min(3, len(cmd.Args())-1)])
	if !ok || strings.HasSuffix(key, ":{nodes}") || strings.Contains(key, ":seen:") {
		cmd.SetErr(errNotPlayed)
		return errNotPlayed
	}
	f.calls.Add(1)
	if f.hang && !f.well.Load() {
		<-ctx.Done()
		cmd.SetErr(ctx.Err())
		return ctx.Err()
	}
	if f.err != nil {
		cmd.SetErr(f.err)
		return f.err
	}
	run.SetVal(admitted(cmd.Args()))
	return nil
}

// admitted is what the script says to one request that fits everywhere.
func admitted(args []any) []any {
	descriptors, _ := strconv.Atoi(args[3+args[2].(int)].(string))
	if descriptors < 0 {
		descriptors = -descriptors - 1
	}
	reply := []any{int64(1)}
	for range descriptors {
		reply = append(reply, int64(0), int64(9), int64(0))
	}
	return reply
}

// user is a request of one user.
func user(tenant, sub string) quota.Request {
	return quota.Request{Evidence: identity.Evidence{Token: identity.ReadToken(
		jwt(`{"tenant":"` + tenant + `","sub":"` + sub + `"}`)[verifiedToken].(string))}}
}

// withFake provisions a config on a fake Redis. Its log goes to the buffer.
func withFake(t testing.TB, f *fakeRedis, config string) (*Config, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	r, err := NewRuntime(Options{RedisURL: "redis://127.0.0.1:1", Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	c := mustProvision(t, r, config)
	c.limiter.Made().deployment.client.AddHook(f)
	return c, &log
}

func TestRedisFails(t *testing.T) {
	t.Parallel()
	const config = `{"limits":[{"name":"tenant","scope":["tenant"],"limit":12,"window_seconds":3600,"algorithm":"fixed_window"}],"nodes":3,"on_redis_error":"`
	tests := []struct {
		policy   string
		admitted int
		status   int
	}{
		{"local", 4, http.StatusTooManyRequests}, // a third of 12
		{"allow", 20, 0},
		{"deny", 0, http.StatusServiceUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.policy, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, log := withFake(t, &fakeRedis{err: errors.New("OOM command not allowed")}, config+tt.policy+`"}`)
				admitted := 0
				for range 20 {
					d := c.Limiter().Decide(t.Context(), user("acme", "alice"))
					if d.Allowed() {
						admitted++
					} else if d.Status != tt.status || len(d.Client["Retry-After"]) != 1 {
						t.Fatalf("status %d with %v, want %d", d.Status, d.Client, tt.status)
					}
				}
				if admitted != tt.admitted {
					t.Errorf("%d of 20 admitted, want %d", admitted, tt.admitted)
				}
				if n := testutil.ToFloat64(c.runtime.metrics.fallback.WithLabelValues(tt.policy)); n != 20 {
					t.Errorf("%v fallback decisions counted, want 20", n)
				}
				if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "OOM") {
					t.Errorf("%d log lines, want one that says why:\n%s", n, log)
				}
			})
		})
	}
}

func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeRedis{hang: true}
		c, log := withFake(t, f, generous)
		began := time.Now()
		for range 30 {
			c.Limiter().Decide(t.Context(), user("acme", "alice"))
		}
		if waited := time.Since(began); f.calls.Load() != 5 || waited != 100*time.Millisecond {
			t.Errorf("%d calls took %v, want 5 in 100ms", f.calls.Load(), waited)
		}
		open := c.runtime.metrics.open.WithLabelValues("127.0.0.1:1")
		if testutil.ToFloat64(open) != 1 {
			t.Error("the breaker is not reported open")
		}
		f.well.Store(true)
		time.Sleep(time.Second)
		for range 10 {
			c.Limiter().Decide(t.Context(), user("acme", "alice"))
		}
		if f.calls.Load() != 15 || testutil.ToFloat64(open) != 0 {
			t.Errorf("%d calls after recovery, breaker open %v; want 15 and 0", f.calls.Load(), testutil.ToFloat64(open))
		}
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "redis is back") {
			t.Errorf("%d log lines, want two:\n%s", n, log)
		}
	})
}

// A Redis that takes connections and says nothing, and one that is not there,
// cost a request no more than the deadline.
func TestNothingWaitsLongerThanTheDeadline(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, url := range map[string]string{
		"silent":       "redis://" + silent.Addr().String(),
		"silent, TLS":  "rediss://" + silent.Addr().String(),
		"password":     "redis://user:password@" + silent.Addr().String() + "/3",
		"refusing":     "redis://127.0.0.1:1",
		"no such host": "redis://redis.invalid:6379",
		"no such file": "unix:///nonexistent/redis.sock",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close(context.Background()) })
			c := mustProvision(t, r, generous)
			began := time.Now()
			if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); !d.Allowed() {
				t.Errorf("status %d", d.Status)
			}
			// The deadline is 20 ms; the rest is a busy machine's.
			if waited := time.Since(began); waited > 250*time.Millisecond {
				t.Errorf("waited %v", waited)
			}
		})
	}
}

func TestRealRecovery(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	r, err := NewRuntime(Options{RedisURL: "redis://" + server.Addr(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	c := patient(t, r, generous)
	fallback := r.metrics.fallback.WithLabelValues("local")
	c.Limiter().Decide(t.Context(), user("acme", "alice"))
	server.Close()
	for range 10 {
		c.Limiter().Decide(t.Context(), user("acme", "alice"))
	}
	if n := testutil.ToFloat64(fallback); n != 10 {
		t.Errorf("%v decisions fell back, want 10", n)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(4 * time.Second)
	for c.limiter.Made().deployment.client.Ping(t.Context()).Err() != nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	for shared := false; !shared; {
		before := testutil.ToFloat64(fallback)
		c.Limiter().Decide(t.Context(), user("acme", "alice"))
		shared = testutil.ToFloat64(fallback) == before
		if time.Now().After(deadline) {
			t.Fatal("limits are not shared again")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestClosedRuntimeFallsBack(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	c := patient(t, r, generous)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := kongtest.Run(t, c.Access, alice); e.Exit != nil {
		t.Errorf("exit %d", e.Exit.Status)
	}
}
