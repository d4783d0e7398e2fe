package usage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// seenAt is a request that came with a credential.
func seenAt(r *Recorder, at time.Time, id, consumer string) {
	r.Observe(at, Request{Realm: "t.acme", Units: 1, Credential: Credential{ID: id, Consumer: consumer}})
}

// What several nodes saw is known by the last of it, whoever writes last, and nothing
// that is older than ninety days.
func TestLastSeen(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) redis.UniversalClient{
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
			if none, err := ReadLastSeen(t.Context(), client, "p"); err != nil || len(none.Credentials) > 0 || len(none.Nodes) > 0 {
				t.Fatalf("before anything was written: %+v, error %v", none, err)
			}
			one, two := NewRecorder(client, "p", "one", 100, func(int) {}), NewRecorder(client, "p", "two", 100, func(int) {})
			now := time.Now().Truncate(time.Second)
			seenAt(one, now.Add(-time.Minute), "k1", "globex crm")
			seenAt(one, now.Add(-time.Hour), "k1", "globex crm")
			seenAt(one, now.Add(-89*24*time.Hour), "k2", "initech")
			seenAt(one, now.Add(-91*24*time.Hour), "k3", "initech")
			seenAt(two, now.Add(-time.Hour), "k1", "globex crm")
			two.Observe(now, Request{Realm: "t.acme", Units: 1}) // without a credential
			for _, r := range []*Recorder{one, two} {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			got, err := ReadLastSeen(t.Context(), client, "p")
			if err != nil {
				t.Fatal(err)
			}
			want := map[Credential]time.Time{
				{"k1", "globex crm"}: now.Add(-time.Minute),
				{"k2", "initech"}:    now.Add(-89 * 24 * time.Hour),
			}
			if diff := cmp.Diff(want, got.Credentials); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			for _, name := range []string{"one", "two"} {
				if at := got.Nodes[name]; len(got.Nodes) != 2 || at.Before(now) || at.After(time.Now()) {
					t.Errorf("written by %v, now is %v", got.Nodes, now)
				}
			}
			if got.Since.Before(now) || got.Since.After(time.Now()) {
				t.Errorf("written since %v, now is %v", got.Since, now)
			}
			client.Set(t.Context(), sinceKey("p"), now.Add(-time.Hour).Unix(), 0)
			if err := one.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err := ReadLastSeen(t.Context(), client, "p"); err != nil || !got.Since.Equal(now.Add(-time.Hour)) {
				t.Errorf("written since %v, error %v; want an hour ago", got.Since, err)
			}
			if ttl := client.TTL(t.Context(), sinceKey("p")).Val(); ttl < 89*24*time.Hour {
				t.Errorf("since when lives for %v", ttl)
			}
			if ttl := client.TTL(t.Context(), lastSeenKey("p")).Val(); ttl < 89*24*time.Hour || ttl > 90*24*time.Hour {
				t.Errorf("the key lives for %v", ttl)
			}
			groups, err := Read(t.Context(), client, "p")
			if err != nil || groups["credentials"] != nil {
				t.Errorf("a group of usage is made of it: %v, error %v", groups["credentials"], err)
			}
		})
	}
}

func TestForgetCredentials(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	r := NewRecorder(client, "p", "node", 100, func(int) {})
	for i := range 3 {
		seenAt(r, time.Now(), fmt.Sprint("k", i), "acme")
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ForgetCredentials(t.Context(), client, "p", nil); err != nil {
		t.Fatal(err)
	}
	if err := ForgetCredentials(t.Context(), client, "p", []Credential{{"k0", "acme"}, {"k2", "acme"}, {"k1", "other"}}); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLastSeen(t.Context(), client, "p")
	if _, left := got.Credentials[Credential{"k1", "acme"}]; err != nil || len(got.Credentials) != 1 || !left || len(got.Nodes) != 1 {
		t.Errorf("left %+v, error %v", got, err)
	}
}

// failing refuses what is sent while it is true.
type failing struct{ now atomic.Bool }

func (f *failing) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f *failing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (f *failing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if f.now.Load() {
			return errors.New("refused")
		}
		return next(ctx, cmds)
	}
}

// What a node says that it has written up to is before it took what it writes, and it says
// nothing while it cannot write. One that ends in order is gone; one that does not, is not.
func TestNodesThatWrite(t *testing.T) {
	t.Parallel()
	url := "redis://" + miniredis.RunT(t).Addr()
	client := redistest.Client(t, url)
	other := redistest.Client(t, url)
	away := &failing{}
	other.AddHook(away)
	one, two := NewRecorder(client, "p", "one", 100, func(int) {}), NewRecorder(other, "p", "two", 100, func(int) {})
	nodes := func() map[string]time.Time {
		got, err := ReadLastSeen(t.Context(), client, "p")
		if err != nil {
			t.Fatal(err)
		}
		return got.Nodes
	}
	for _, r := range []*Recorder{one, two} {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := nodes()
	time.Sleep(2 * time.Millisecond) // the unit of what they write
	away.now.Store(true)
	if err := one.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := two.Flush(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if after := nodes(); !after["one"].After(before["one"]) || !after["two"].Equal(before["two"]) {
		t.Errorf("before %v, after %v", before, after)
	}
	one.Start() // only what has begun ends
	two.Start()
	if err := two.Close(t.Context()); err == nil {
		t.Error("no error from a node that cannot write what it saw")
	}
	if err := one.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left := nodes(); len(left) != 1 || left["two"].IsZero() {
		t.Errorf("left %v", left)
	}
}

// A Redis that is away for a while takes no credential for unused.
func TestSeenWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	away := &failing{}
	away.now.Store(true)
	client.AddHook(away)
	r := NewRecorder(client, "p", "node", 100, func(int) {})
	now := time.Now().Truncate(time.Second)
	seenAt(r, now.Add(-time.Minute), "k1", "acme")
	if err := r.Flush(t.Context()); err == nil {
		t.Fatal("no error")
	}
	seenAt(r, now, "k2", "acme")
	away.now.Store(false)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLastSeen(t.Context(), client, "p")
	if err != nil || !got.Credentials[Credential{"k1", "acme"}].Equal(now.Add(-time.Minute)) || !got.Credentials[Credential{"k2", "acme"}].Equal(now) {
		t.Errorf("%+v, error %v", got, err)
	}
}

// However many credentials there are, memory is bounded, and no pipeline keeps Redis for
// long.
func TestCredentialsAreBounded(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	partly := 0
	r := NewRecorder(client, "p", "node", 100, func(int) {})
	r.Partly = func() { partly++ }
	for i := range maxCredentials + 7 {
		seenAt(r, time.Now(), fmt.Sprint("k", i), "acme")
	}
	seenAt(r, time.Now().Add(time.Minute), "k0", "acme") // is known
	if partly != 7 || len(r.sight) != maxCredentials {
		t.Errorf("%d requests are not remembered, %d credentials are", partly, len(r.sight))
	}
	var w watch
	client.AddHook(&w)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLastSeen(t.Context(), client, "p")
	if err != nil || len(got.Credentials) != maxCredentials {
		t.Errorf("%d credentials, error %v", len(got.Credentials), err)
	}
	if least := maxCredentials / maxCounts; len(w.pipelines) < least {
		t.Errorf("%d pipelines, want %d at least", len(w.pipelines), least)
	}
}
