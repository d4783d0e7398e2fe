package tenantratelimit

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
)

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// with are the lines that have all the parts.
func (j *journal) with(parts ...string) (lines []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		has := true
		for _, part := range parts {
			has = has && strings.Contains(line, part)
		}
		if has {
			lines = append(lines, line)
		}
	}
	return lines
}

// watched is a runtime that watches, and its log.
func watched(t *testing.T, url string) (*Runtime, *journal) {
	t.Helper()
	log := &journal{}
	r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	r.Watch()
	return r, log
}

// awaitLine waits for a line with all the parts.
func (j *journal) awaitLine(t *testing.T, parts ...string) {
	t.Helper()
	redistest.Await(t, "a line with "+strings.Join(parts, ", "), func(context.Context) bool { return len(j.with(parts...)) > 0 })
}

// onlyOnce fails if there are other lines than one with that part.
func (j *journal) onlyOnce(t *testing.T, part string) {
	t.Helper()
	if lines := j.with(); len(lines) != 1 || len(j.with(part)) != 1 || strings.Contains(lines[0], "secret") {
		t.Errorf("%q, want one line with %q and no password", lines, part)
	}
}

func TestWatchOfRedisThatIsAway(t *testing.T) {
	t.Parallel()
	_, log := watched(t, "redis://limiter:secret@127.0.0.1:1")
	log.awaitLine(t, cannotUse, `"redis":"limiter@127.0.0.1:1"`, "connection refused", "nothing listens there")
	log.onlyOnce(t, cannotUse)
	_, log = watched(t, "localhost")
	log.onlyOnce(t, "REDIS_URL")
}

func TestWatchOfNoRedis(t *testing.T) {
	t.Parallel()
	r, log := watched(t, "")
	if mustProvision(t, r, generous); len(log.with(cannotUse)) > 0 {
		t.Errorf("%q", log.with())
	}
}

// limiterUser is a URL of the server's user limiter, who has the rights.
func limiterUser(t *testing.T, server *redistest.Server, rule string) string {
	t.Helper()
	args := []any{"acl", "setuser", "limiter", "reset", "on", ">secret"}
	for word := range strings.FieldsSeq(rule) {
		args = append(args, word)
	}
	if err := server.Client().Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	return "redis://limiter:secret@" + server.Addr
}

// TestWatchOfRights: what a user lacks is in one line as soon as a config brings its
// Redis, with what does not work without it, and how to grant it.
func TestWatchOfRights(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, rule string
		want       []string
	}{
		{"all", rights.Grant("gatehouse"), nil},
		{"no overrides, no nodes, no usage", rights.Grant("gatehouse") + " -get -zadd -hincrby", []string{
			`"commands":"get zadd hincrby"`, "overrides for everybody are ignored", "nodes do not count each other", "nothing is observed",
			`"user":"limiter"`, `"fix":"ACL SETUSER limiter ~gatehouse:* +@connection +evalsha `,
		}},
		{"other keys", rights.Grant("edge"), []string{`"keys":"gatehouse:*"`, "nothing is counted in Redis"}},
		{"no script", rights.Grant("gatehouse") + " -evalsha", []string{`"commands":"evalsha"`, "decided as on_redis_error says"}},
		{"no INFO", rights.Grant("gatehouse") + " -info", []string{`"commands":"info"`, "nobody warns"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Launch(t)
			url := limiterUser(t, server, tt.rule)
			r, log := watched(t, "")
			c := decode(t, r, generous)
			c.Redis.URL = url
			if err := c.Provision(); err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				redistest.Await(t, "the user was asked about", func(ctx context.Context) bool { return probed(ctx, server.Client()) })
				if lines := log.with(); len(lines) > 0 {
					t.Errorf("%q", lines)
				}
				return
			}
			log.awaitLine(t, tt.want...)
			log.onlyOnce(t, "redis does not let its user")
		})
	}
}

// probed is true once the last command of a probe was run.
func probed(ctx context.Context, client *redis.Client) bool {
	stats, err := client.Info(ctx, "commandstats").Result()
	return err == nil && strings.Contains(stats, "cmdstat_expireat:")
}

// TestRefusedCommands: what is refused to requests is said once for each command and
// counted, and the breaker of a healthy server stays closed.
func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	url := limiterUser(t, server, rights.Grant("gatehouse")+" -evalsha -zrem")
	log := &journal{}
	r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	c := patient(t, r, `{"on_redis_error":"deny","observe":false,"limits":[{"name":"t","scope":["tenant"],"limit":1000,"window_seconds":60}]}`)
	for range 20 {
		if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); d.Status != 503 {
			t.Fatalf("status %d, want 503 as on_redis_error says", d.Status)
		}
	}
	if n := testutil.ToFloat64(r.metrics.refused.WithLabelValues(place(url), "evalsha", rights.OfCommand)); n < 20 {
		t.Errorf("%v refusals counted, want at least 20", n)
	}
	if testutil.ToFloat64(r.metrics.open.WithLabelValues(place(url))) != 0 {
		t.Error("the breaker is open")
	}
	log.onlyOnce(t, `"command":"evalsha","of":"command","lost":"nothing is counted in Redis: every request is decided as on_redis_error says"`)
	// The right comes back, and the next request is counted.
	limiterUser(t, server, rights.Grant("gatehouse"))
	if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); !d.Allowed() {
		t.Errorf("status %d once the user may", d.Status)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestWatchOfEviction: a Redis that may throw counters away is named, and one whose user
// may not ask is not.
func TestWatchOfEviction(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		may  float64
	}{
		{"noeviction", []string{"--maxmemory", "100mb"}, 0},
		{"no bound", []string{"--maxmemory-policy", "allkeys-lru"}, 0},
		{"allkeys-lru", []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, 1},
		{"volatile-ttl", []string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Launch(t, tt.args...)
			server.Client()
			url := "redis://" + server.Addr
			r, log := watched(t, url)
			gauge := func() float64 { return testutil.ToFloat64(r.metrics.mayEvict.WithLabelValues(server.Addr)) }
			redistest.Await(t, "it was looked at", func(ctx context.Context) bool {
				return strings.Contains(server.Client().Info(ctx, "commandstats").Val(), "cmdstat_info:calls=") && gauge() == tt.may
			})
			if tt.may == 1 {
				log.awaitLine(t, tt.name, "CONFIG SET maxmemory-policy noeviction")
				log.onlyOnce(t, tt.name)
			} else if lines := log.with(); len(lines) > 0 {
				t.Errorf("%q", lines)
			}
		})
	}
}

// TestEvictionIsTold as the keys go.
func TestEvictionIsTold(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t, "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")
	client := server.Client()
	filler := 0
	redistest.Await(t, "keys are evicted", func(ctx context.Context) bool {
		filler++
		client.Set(ctx, "filler"+strconv.Itoa(filler), strings.Repeat("x", 100_000), 0)
		return client.InfoMap(ctx, "stats").Item("Stats", "evicted_keys") != "0"
	})
	_, log := watched(t, "redis://"+server.Addr)
	log.awaitLine(t, "redis has thrown keys away", `"evicted_keys":`)
}

// TestWatchOfEmbeddedRedis: a store that knows less of itself is nothing to warn of.
func TestWatchOfEmbeddedRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	r, log := watched(t, "redis://"+server.Addr())
	mustProvision(t, r, generous)
	redistest.Await(t, "it was asked", func(context.Context) bool { return server.CommandCount() > 20 })
	if lines := log.with(); len(lines) > 0 {
		t.Errorf("%q", lines)
	}
}

// TestOverridesOfNoLimitAreSaid: once, when all configs have had the time to start, and only
// where none of them has a limit of that name.
func TestOverridesOfNoLimitAreSaid(t *testing.T) {
	t.Parallel()
	server, log := miniredis.RunT(t), &journal{}
	r, err := NewRuntime(Options{RedisURL: "redis://" + server.Addr(), Logger: slog.New(slog.NewJSONHandler(log, nil))})
	must(t, err)
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"tenant-rout","limit":5},{"name":"reports","limit":5},{"name":"gold","limit":5}]`))
	first := patient(t, r, `{"limits":[{"name":"tenant-route","scope":["tenant"],"limit":9,"window_seconds":60}],"plans":[{"name":"g","limits":[{"name":"gold","scope":["tenant"],"limit":9,"window_seconds":60}]}]}`)
	first.Limiter().Decide(t.Context(), user("acme", "alice"))
	r.lookAtOverrides(t.Context())
	if said := log.with("overrides name"); len(said) > 0 {
		t.Fatalf("it is said before other configs can have started: %v", said)
	}
	other := patient(t, r, `{"limits":[{"name":"reports","scope":["tenant"],"limit":9,"window_seconds":60}]}`)
	other.Limiter()
	r.lookAtOverrides(t.Context())
	r.lookAtOverrides(t.Context())
	if said := log.with("overrides name"); len(said) != 1 || len(log.with(`"key":"gatehouse:{t.acme}:overrides"`, `"name":"tenant-rout"`, `"likely":"tenant-route"`)) != 1 {
		t.Errorf("it is said: %v", said)
	}
	must(t, other.Close())
	must(t, server.Set("gatehouse:{t.acme}:overrides", `[{"name":"reports","limit":6}]`))
	first.Limiter().Decide(t.Context(), user("acme", "alice"))
	r.lookAtOverrides(t.Context())
	r.lookAtOverrides(t.Context())
	if len(log.with("overrides name", `"name":"reports"`)) != 1 {
		t.Errorf("the limit of a config that is gone is still there: %v", log.with("overrides name"))
	}
}
