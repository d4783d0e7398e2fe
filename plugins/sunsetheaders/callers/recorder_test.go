package callers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

var (
	globex  = Caller{ID: "c1", Username: "globex-crm", CustomID: "globex", Tenant: "globex"}
	initech = Caller{ID: "c2", Username: "initech-erp", CustomID: "initech", Tenant: "initech"}
)

func called(at time.Time, who Caller, stage lifecycle.Stage, agent string) Call {
	return Call{At: at, Route: "v1", Caller: who, Stage: stage, End: at.Add(30 * day), UserAgent: agent}
}

func flush(t *testing.T, list ...*Recorder) {
	t.Helper()
	for _, r := range list {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, client redis.UniversalClient) Recorded {
	t.Helper()
	recorded, err := Read(t.Context(), client, "p")
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

// TestRecorded: what two nodes saw is known together, on one server and in a Cluster,
// until it is forgotten.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) redis.UniversalClient{
		"miniredis": func(t *testing.T) redis.UniversalClient {
			return redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
		},
		"redis": func(t *testing.T) redis.UniversalClient { return redistest.Client(t, redistest.Start(t)) },
		"cluster": func(t *testing.T) redis.UniversalClient {
			c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{redistest.Cluster(t, 2)[0].Addr}, Protocol: 2})
			t.Cleanup(func() { _ = c.Close() })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := open(t)
			if none := read(t, client); !none.Since.IsZero() || len(none.Routes) > 0 {
				t.Fatalf("before anything was written: %+v", none)
			}
			now := time.Now().UTC().Truncate(time.Second)
			today, yesterday := now.Truncate(day), now.Truncate(day).Add(-day)
			one, two := NewRecorder(client, "p"), NewRecorder(client, "p")
			for _, c := range []Call{
				called(now.Add(-day), globex, lifecycle.StageDeprecated, "crm/1.0 (jane@example.com)"),
				called(now, globex, lifecycle.StageDeprecated, "crm/1.1"),
				called(now, globex, lifecycle.StageBrownout, ""),
				called(now, Caller{}, lifecycle.StageDryGone, ""),
			} {
				one.observe(c)
			}
			flush(t, one)
			two.observe(called(now.Add(-time.Minute), globex, lifecycle.StageDeprecated, "crm/1.0"))
			two.observe(called(now, initech, lifecycle.StageDeprecated, ""))
			flush(t, two, one)
			got := map[string]Calls{}
			for _, c := range read(t, client).Routes["v1"] {
				got[c.Name()] = c
			}
			want := map[string]Calls{
				"globex-crm": {Caller: globex, First: now.Add(-day), Last: now, Agents: []string{"crm/1.0", "crm/1.1"}, Days: map[time.Time]Counts{
					yesterday: {lifecycle.StageDeprecated: 1},
					today:     {lifecycle.StageDeprecated: 2, lifecycle.StageBrownout: 1},
				}},
				"initech-erp": {Caller: initech, First: now, Last: now, Days: map[time.Time]Counts{today: {lifecycle.StageDeprecated: 1}}},
				Anonymous:     {First: now, Last: now, Days: map[time.Time]Counts{today: {lifecycle.StageDryGone: 1}}},
			}
			if now.Add(-time.Minute).Before(today) {
				t.Skip("it is midnight")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			wantForgotten(t, client)
		})
	}
}

// TestLastCallOfARoute: it outlives its callers, and what is written late does not put it back.
func TestLastCallOfARoute(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	r, now := NewRecorder(client, "p"), time.Now().UTC().Truncate(time.Second)
	for _, at := range []time.Time{now, now.Add(-time.Hour)} {
		r.observe(called(at, globex, lifecycle.StageDeprecated, ""))
		flush(t, r)
	}
	found, err := Find(t.Context(), client, "p", "globex")
	if err != nil {
		t.Fatal(err)
	}
	if err := Forget(t.Context(), client, found); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]time.Time{"v1": now}, read(t, client).Last); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// wantForgotten: a consumer goes by any of its names, and alone; all the others go by
// themselves, ninety days after the end.
func wantForgotten(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	ttl := client.TTL(t.Context(), keysOf("p", "v1").caller(initech.member())).Val()
	if least := 119 * day; ttl < least || ttl > least+day {
		t.Errorf("a caller lives for %v, want 90 days more than the version's 30", ttl)
	}
	for name, want := range map[string]int{"globex": 1, "nobody": 0, "": 0, Anonymous: 0} {
		found, err := Find(t.Context(), client, "p", name)
		if err != nil || len(found) != want {
			t.Errorf("found of %q: %v, error %v; want %d", name, found, err, want)
		}
		if err := Forget(t.Context(), client, found); err != nil {
			t.Errorf("forget %q: %v", name, err)
		}
	}
	left := read(t, client).Routes["v1"]
	if len(left) != 2 {
		t.Errorf("left: %+v", left)
	}
	for _, c := range left {
		if c.Name() == "globex-crm" {
			t.Error("globex-crm is still there")
		}
	}
	if keys := client.Keys(t.Context(), "*"+globex.member()+"*").Val(); len(keys) > 0 {
		t.Errorf("keys are left: %v", keys)
	}
}

// TestHowLongCallersAreKept: after the version's end, after their last call where that is
// later, and never much longer than they have been silent.
func TestHowLongCallersAreKept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name string
		end  time.Time
		want time.Duration
	}{
		{"the end lies ahead", now.Add(100 * day), 190 * day},
		{"the end lies behind", now.Add(-100 * day), 90 * day},
		{"there is no end", time.Time{}, 90 * day},
		{"the end lies far ahead", now.Add(1000 * day), 400 * day},
	} {
		client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
		r := NewRecorder(client, "p")
		r.observe(Call{At: now, Route: "v1", Caller: globex, Stage: lifecycle.StageDeprecated, End: tt.end})
		flush(t, r)
		if got := client.TTL(t.Context(), keysOf("p", "v1").caller(globex.member())).Val(); got < tt.want-time.Minute || got > tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestRedisIsBounded: more callers than there is room for are counted together, and of one
// caller neither agents nor days grow without end.
func TestRedisIsBounded(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	r := NewRecorder(client, "p")
	r.bounds.callers = 20
	now := time.Now()
	for i := range 20 + 50 {
		r.observe(called(now, Caller{ID: fmt.Sprint("id", i)}, lifecycle.StageDeprecated, ""))
	}
	flush(t, r)
	list := read(t, client).Routes["v1"]
	var together int64
	for _, c := range list {
		if c.Caller == others {
			together = c.Days[now.UTC().Truncate(day)][lifecycle.StageDeprecated]
		}
	}
	if len(list) != 20+1 || together != 50 {
		t.Errorf("%d callers, %d calls of others; want 21 and 50", len(list), together)
	}
	for i := range 120 { // of somebody who is known
		r.observe(called(now.Add(time.Duration(i-120)*day), Caller{ID: "id0"}, lifecycle.StageDeprecated, "agent-"+strings.Repeat("a", i%20)))
		flush(t, r)
	}
	for _, c := range read(t, client).Routes["v1"] {
		if c.ID == "id0" && (len(c.Days) != maxDays || len(c.Agents) != maxAgents) {
			t.Errorf("%d days, %d agents", len(c.Days), len(c.Agents))
		}
	}
}

// away fails while it is true.
type away struct {
	now   bool
	tries int
}

func (a *away) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (a *away) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (a *away) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		a.tries++
		if !a.now {
			return next(ctx, cmds)
		}
		for _, cmd := range cmds {
			cmd.SetErr(errors.New("refused"))
		}
		return errors.New("refused")
	}
}

// TestRedisAway: what was seen meanwhile is written when Redis is back, once; what there is
// no room for is counted; failures are said once.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	hook := &away{now: true}
	client.AddHook(hook)
	var lost int64
	var said []string
	r := NewRecorder(client, "p")
	r.bounds.held = 30
	r.Lost = func(n int64) { lost += n }
	r.Said = func(err error) { said = append(said, fmt.Sprint(err)) }
	now := time.Now()
	for range 3 {
		r.observe(called(now, globex, lifecycle.StageDeprecated, "crm/1"))
		if err := r.Flush(t.Context()); err == nil {
			t.Fatal("no error of a Redis that is away")
		}
	}
	for i := range 30 + 5 {
		r.observe(called(now, Caller{ID: fmt.Sprint(i)}, lifecycle.StageDeprecated, ""))
	}
	if len(r.held) != 30 || lost != 6 {
		t.Errorf("%d are held, %d calls lost; want 30 and 6", len(r.held), lost)
	}
	hook.now = false
	flush(t, r)
	for _, c := range read(t, client).Routes["v1"] {
		if c.Caller == globex && c.Days[now.UTC().Truncate(day)][lifecycle.StageDeprecated] != 3 {
			t.Errorf("calls of a time without Redis: %v, want 3", c.Days)
		}
	}
	want := []string{"record who calls versions that end: refused", "<nil>"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

// TestWritesInTheBackground: at once, every ten seconds, and at the end. What cannot be
// written then is said to be lost.
func TestWritesInTheBackground(t *testing.T) {
	t.Parallel()
	hook := &away{now: true}
	client := redis.NewClient(&redis.Options{MaxRetries: -1})
	defer client.Close()
	client.AddHook(hook)
	synctest.Test(t, func(t *testing.T) {
		var lost int64
		r := NewRecorder(client, "p")
		r.Lost = func(n int64) { lost += n }
		time.Sleep(time.Minute)
		if hook.tries > 0 {
			t.Error("it writes before anybody called")
		}
		r.Observe(called(time.Now(), globex, lifecycle.StageDeprecated, ""))
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if hook.tries != 3 {
			t.Errorf("%d tries in 25 s, want 3", hook.tries)
		}
		if err := r.Close(t.Context()); err == nil || hook.tries != 4 || lost != 1 {
			t.Errorf("at the end: error %v, %d tries, %d lost", err, hook.tries, lost)
		}
	})
}

// TestWhatACallerCosts: in a real Redis, the most that is kept of one caller, with each
// stage on each day, takes some four kilobytes. It prints what a write takes Redis.
func TestWhatACallerCosts(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, redistest.Start(t))
	r := NewRecorder(client, "p")
	now := time.Now()
	for i := range maxDays {
		for stage := range letters {
			r.observe(called(now.Add(time.Duration(-i)*day), globex, stage, fmt.Sprintf("AppleWebKit/%d Chrome/126.0 Safari/537.36", i%maxAgents)))
		}
		flush(t, r)
	}
	for range 100 {
		r.observe(called(now, globex, lifecycle.StageDeprecated, "curl/8.5"))
		flush(t, r)
	}
	bytes := client.MemoryUsage(t.Context(), keysOf("p", "v1").caller(globex.member())).Val()
	stats := client.Info(t.Context(), "commandstats").Val()
	_, evalsha, _ := strings.Cut(stats, "cmdstat_evalsha:")
	evalsha, _, _ = strings.Cut(evalsha, "\r")
	t.Logf("%d bytes; evalsha: %s", bytes, evalsha)
	if bytes == 0 || bytes > 5000 {
		t.Errorf("a caller takes %d bytes", bytes)
	}
}

// TestCallersAreClean: what Redis gets of a caller is bounded and printable, and no two
// callers are one.
func TestCallersAreClean(t *testing.T) {
	t.Parallel()
	long := Caller{Username: strings.Repeat("ü", 5000), CustomID: "a\nb"}.clean()
	if len(long.text()) > 300 || strings.ContainsAny(long.text(), "\n\r") {
		t.Errorf("a caller is kept as %q", long.text())
	}
	if (Caller{Username: "a"}).member() == (Caller{CustomID: "a"}).member() {
		t.Error("a username and a custom_id are one caller")
	}
}

func BenchmarkObserve(b *testing.B) {
	r := NewRecorder(redisurl.Nowhere(), "p")
	c := called(time.Now(), globex, lifecycle.StageDeprecated, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
	b.ReportAllocs()
	for b.Loop() {
		r.observe(c)
	}
}
