package tenantratelimit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
)

// awaitTrouble waits for the one line that there is, with all the parts.
func awaitTrouble(t *testing.T, r *Runtime, parts ...string) {
	t.Helper()
	var lines []string
	redistest.Await(t, "a trouble with "+strings.Join(parts, ", "), func(context.Context) bool {
		lines = r.Troubles()
		return len(lines) == 1 && !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(lines[0], part) })
	})
	if strings.Contains(lines[0], "secret") || strings.Contains(lines[0], "\n") {
		t.Errorf("%q has a password or several lines", lines[0])
	}
}

func wantNoTrouble(t *testing.T, r *Runtime) {
	t.Helper()
	if lines := r.Troubles(); len(lines) > 0 {
		t.Errorf("troubles: %q", lines)
	}
}

// TestTroublesBeforeAnyRequest: a Redis that lets nobody in is known as soon as it was looked
// at, with what each config in use says of that.
func TestTroublesBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	locked := miniredis.RunT(t)
	locked.RequireAuth("other")
	for why, url := range map[string]string{
		"connection refused": "redis://limiter:secret@127.0.0.1:1",
		"NOAUTH":             "redis://" + locked.Addr(),
		"WRONGPASS":          "redis://default:secret@" + locked.Addr(),
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			r, _ := watched(t, url)
			awaitTrouble(t, r, "without redis: tenant-rate-limit: "+place(url)+": no config counts there yet: ", why, "; ")
			local := mustProvision(t, r, generous)
			awaitTrouble(t, r, ": each node counts alone, with its share of each limit (on_redis_error: local): ", why)
			deny := mustProvision(t, r, withPolicy("deny"))
			awaitTrouble(t, r, ": every request is answered 503 (on_redis_error: deny), or each node counts alone, with its share of each limit (on_redis_error: local): ")
			must(t, local.Close())
			awaitTrouble(t, r, place(url)+": every request is answered 503 (on_redis_error: deny): ")
			must(t, deny.Close())
			awaitTrouble(t, r, "no config counts there yet")
		})
	}
}

// TestTroublesOfRequests: who asks knows of a Redis that requests have given up on, and that it
// is back as soon as they do.
func TestTroublesOfRequests(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	r, err := NewRuntime(Options{RedisURL: "redis://" + server.Addr()})
	must(t, err)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	c := patient(t, r, generous)
	ask := func(context.Context) { c.Limiter().Decide(t.Context(), user("acme", "alice")) }
	ask(t.Context())
	wantNoTrouble(t, r)
	server.SetError("NOAUTH Authentication required.")
	redistest.Await(t, "the Redis is given up on", func(ctx context.Context) bool { ask(ctx); return len(r.Troubles()) > 0 })
	awaitTrouble(t, r, "tenant-rate-limit: "+server.Addr()+": each node counts alone", "NOAUTH", "the server wants a password")
	server.SetError("")
	redistest.Await(t, "the Redis is back", func(ctx context.Context) bool { ask(ctx); return len(r.Troubles()) == 0 })
}

// TestAnAnswerEndsATrouble that a look has found, without another look.
func TestAnAnswerEndsATrouble(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	r, err := NewRuntime(Options{RedisURL: "redis://" + server.Addr()})
	must(t, err)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	c := patient(t, r, generous)
	h := r.pools["redis://"+server.Addr()].health
	h.away.Store(&absence{errors.New("i/o timeout"), "", h.pool.store.Answers()})
	awaitTrouble(t, r, "i/o timeout")
	c.Limiter().Decide(t.Context(), user("acme", "alice"))
	wantNoTrouble(t, r)
}

// TestTroublesOfRights: a user who may not count is one, and one who lacks less is not.
func TestTroublesOfRights(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	for lacks, want := range map[string]string{" -evalsha": "lacks evalsha", " -info": ""} {
		url := limiterUser(t, server, rights.Grant("gatehouse")+lacks)
		r, log := watched(t, "")
		c := decode(t, r, generous)
		c.Redis.URL = url
		must(t, c.Provision())
		log.awaitLine(t, "redis does not let its user")
		if want == "" {
			wantNoTrouble(t, r)
		} else {
			awaitTrouble(t, r, "each node counts alone", "the user limiter "+want, "ACL SETUSER limiter ")
		}
	}
}

// TestTroublesOfNoRedis: a config without one is told of as long as it is in use; one that
// wants none is not.
func TestTroublesOfNoRedis(t *testing.T) {
	t.Parallel()
	r, _ := watched(t, "")
	perNode := mustProvision(t, r, strings.Replace(generous, `{`, `{"policy":"local",`, 1))
	wantNoTrouble(t, r)
	c := mustProvision(t, r, withPolicy("allow"))
	awaitTrouble(t, r, "without redis: tenant-rate-limit: none is named, or none that can be used: nothing is limited (on_redis_error: allow)")
	must(t, errors.Join(c.Close(), perNode.Close()))
	wantNoTrouble(t, r)
}
