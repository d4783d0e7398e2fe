package usage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

func TestStepsCoverAllCounts(t *testing.T) {
	t.Parallel()
	for count := int64(1); count < 200_000; count++ {
		s := step(count)
		if end(s) < count || end(s-1) >= count {
			t.Fatalf("%d is in step %d, which ends at %d after %d", count, s, end(s), end(s-1))
		}
		if size := end(s) - end(s-1); count >= 16 && size*8 > count {
			t.Fatalf("step %d has %d counts from %d on: more than an eighth", s, size, count)
		}
	}
	if s := step(1 << 50); end(s) < 1<<50 {
		t.Errorf("2^50 is in step %d, which ends at %d", s, end(s))
	}
}

var start = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// traffic is a day's requests of a few tenants, users and routes.
func traffic(seed uint64, observe func(time.Time, Request)) {
	r := rand.New(rand.NewPCG(seed, 1))
	at := start
	for range 4000 {
		at = at.Add(time.Duration(r.ExpFloat64() * float64(time.Second)))
		s := Request{Realm: fmt.Sprint("t.", r.IntN(3)), Units: 1 + r.Int64N(3), Route: fmt.Sprint("route", r.IntN(2))}
		if r.IntN(4) > 0 {
			s.User = fmt.Sprint("u.", r.IntN(5))
		}
		observe(at, s)
	}
}

// Several nodes that write now and then make Redis know what one tally of all
// requests knows.
func TestRedisKnowsWhatATallyKnows(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) redis.UniversalClient{
		"miniredis": func(t *testing.T) redis.UniversalClient {
			return redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
		},
		"redis": func(t *testing.T) redis.UniversalClient { return redistest.Client(t, redistest.Start(t)) },
		"cluster": func(t *testing.T) redis.UniversalClient {
			servers := redistest.Cluster(t, 2)
			c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{servers[0].Addr}, Protocol: 2})
			t.Cleanup(func() { _ = c.Close() })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := open(t)
			var tally Tally
			var nodes []*Recorder
			for i := range 3 {
				nodes = append(nodes, NewRecorder(client, "p*[x]", fmt.Sprint("n", i), 100_000, func(n int) { t.Errorf("%d requests are lost", n) }))
			}
			n := 0
			// Redis' clock is the real one: keys of the past would be gone at once.
			shift := time.Until(start)
			traffic(1, func(at time.Time, s Request) {
				at = at.Add(-shift)
				tally.Observe(at, s)
				nodes[n%3].Observe(at, s)
				if n++; n%97 == 0 {
					if err := nodes[n%3].Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			})
			for _, r := range nodes {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Read(t.Context(), client, "p*[x]")
			if err != nil {
				t.Fatal(err)
			}
			// Who had a peak first is not told where two had the same.
			ignoreWho := cmpopts.IgnoreFields(Distribution{}, "Who")
			if diff := cmp.Diff(tally.Groups(), got, cmp.AllowUnexported(Distribution{}, tallied{}), ignoreWho); diff != "" {
				t.Errorf("a tally of all (-) and Redis (+):\n%s", diff)
			}
		})
	}
}

// What advice says of a limit is what a fixed window of a minute would do.
func TestAdviceIsWhatAWindowWouldDeny(t *testing.T) {
	t.Parallel()
	var tally Tally
	var requests []Request
	var times []time.Time
	traffic(2, func(at time.Time, s Request) {
		s.Units = 1
		tally.Observe(at, s)
		requests, times = append(requests, s), append(times, at)
	})
	replay := func(limit int64, whose func(Request) string) (denied int64) {
		used := map[string]int64{}
		for i, s := range requests {
			if whose(s) == "" {
				continue
			}
			key := fmt.Sprint(times[i].Unix()/60, whose(s))
			if used[key] >= limit {
				denied++
			} else {
				used[key]++
			}
		}
		return denied
	}
	whose := map[string]func(Request) string{
		"global": func(Request) string { return "all" },
		"tenant": func(s Request) string { return s.Realm },
		"route":  func(s Request) string { return s.Route },
		"user": func(s Request) string {
			if s.User == "" {
				return ""
			}
			return s.Realm + s.User
		},
		"tenant, route": func(s Request) string { return s.Realm + s.Route },
	}
	checked := 0
	for _, a := range Advise(tally.Groups()) {
		if a.Group != "" {
			continue
		}
		for _, c := range a.Choices {
			if want := replay(c.Limit, whose[a.Scope]); c.Denied != want {
				t.Errorf("%s: %d a minute would deny %d by advice, and did deny %d", a.Scope, c.Limit, c.Denied, want)
			}
			checked++
		}
	}
	if checked < 15 {
		t.Errorf("only %d choices were checked", checked)
	}
}

func TestAdviceNamesThePeaks(t *testing.T) {
	t.Parallel()
	var tally Tally
	for i := range 30 {
		tally.Observe(start, Request{Realm: "t.acme", User: "u.alice", Route: "orders", Units: 1})
		if i < 4 {
			tally.Observe(start, Request{Realm: "t.acme", User: "u.bob", Route: "home", Units: 1})
		}
	}
	var got []Advice
	for _, a := range Advise(tally.Groups()) {
		if a.Scope == "user" {
			got = append(got, a)
		}
	}
	choices := []Choice{{300, 0}, {30, 0}}
	want := []Advice{
		{Scope: "user", Peak: 30, Who: "u.alice", Units: 34, Choices: choices},
		{Scope: "user", Group: "t.acme", Peak: 30, Who: "u.alice", Units: 34, Choices: choices},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://127.0.0.1:1")
	lost := 0
	r := NewRecorder(client, "p", "node", 8, func(n int) { lost += n })
	for i := range 10 {
		r.Observe(start, Request{Realm: fmt.Sprint("t.", i), User: "u.a", Units: 1})
	}
	if lost == 0 || r.held > 10 {
		t.Errorf("%d requests lost, %d counts held", lost, r.held)
	}
	if err := r.Flush(t.Context()); err == nil || lost != 10 {
		t.Errorf("error %v, %d requests lost; want all 10", err, lost)
	}
	if err := r.Flush(t.Context()); err == nil || lost != 10 {
		t.Errorf("with nothing counted: error %v, %d requests lost; want 10 as before", err, lost)
	}
}

func TestRecorderWritesAtItsEnd(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	r := NewRecorder(client, "p", "node", 100, func(int) {})
	r.Start()
	r.Observe(time.Now(), Request{Realm: "t.acme", Units: 1})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	groups, err := Read(context.Background(), client, "p")
	if err != nil || groups["t.acme"] == nil {
		t.Errorf("groups %v, error %v", groups, err)
	}
}

func TestRecorderIsForMany(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
	r := NewRecorder(client, "p", "node", 100_000, func(int) {})
	now := time.Now()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			for range 50 {
				r.Observe(now, Request{Realm: "t.acme", User: fmt.Sprint(i), Units: 1})
			}
			if err := r.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	groups, err := Read(t.Context(), client, "p")
	if err != nil || groups["t.acme"]["t"].Peak != 1000 || groups["g."]["t"].Units() != 1000 {
		t.Errorf("groups %v, error %v", groups, err)
	}
}

func TestReadRecorded(t *testing.T) {
	t.Parallel()
	const lines = `{"time":"2026-03-14T15:09:26Z","log":"audit","tenant":"acme","user":"p_1f","route":"orders","status":200}
{"started_at":1773500966000,"consumer":{"custom_id":"acme","username":"bot"},"authenticated_entity":{"id":"k1"},"route":{"name":"orders","id":"r1"},"request":{}}
{"started_at":1773500966000,"consumer":{"custom_id":"acme","username":"stand-in"},"route":{"id":"r2"}}
{"time":"2026-03-14T15:09:26Z","log":"audit","consumer":"bot","tenant":"acme","user":"[user]","route":"orders"}
{"started_at":1773500966000,"route":{"id":"r2"},"consumer":[]}
{"time":"2026-03-14T15:09:26Z","level":"INFO","msg":"serving"}
{"time":"2026-03-14T15:09:26Z","route":"orders","tenant":"acme","cost":5}
not JSON
`
	var tally Tally
	found, err := tally.ReadRecorded(strings.NewReader(lines))
	if err != nil || found.Requests != 6 || found.Others != 2 || found.Unasked != 0 || found.First.Number != 6 {
		t.Fatalf("%+v, error %v", found, err)
	}
	g := tally.Groups()
	got := map[string]int64{}
	for group, kinds := range g {
		for kind, d := range kinds {
			got[group+" "+kind] = d.Units()
		}
	}
	if found.Redacted != 1 || g["t.acme"]["u"].Who != "u.p_1f" && g["t.acme"]["u"].Who != "u.bot" {
		t.Errorf("redacted %d, the peak is of %s", found.Redacted, g["t.acme"]["u"].Who)
	}
	want := map[string]int64{"g. t": 10, "t.acme t": 8, "t.acme u": 2, "t.acme r": 8, "r.orders t": 8, "r.r2 t": 2, "anonymous t": 2, "anonymous r": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := tally.ReadRecorded(strings.NewReader(strings.Repeat("x", maxLine+1))); err == nil {
		t.Error("a line without end is read")
	}
}

// TestOnlyDemandIsTallied: what no limit was asked about is no demand, in either log.
func TestOnlyDemandIsTallied(t *testing.T) {
	t.Parallel()
	const audit, kong = `{"time":"2026-03-14T15:09:26Z","route":"orders","tenant":"acme"%s}`, `{"started_at":1773500966000,"route":{"name":"orders"}%s}`
	for name, tt := range map[string]struct {
		line string
		want int64
	}{
		"admitted":             {fmt.Sprintf(audit, `,"policies":{"tenant-rate-limit":"allowed"}`), 1},
		"denied":               {fmt.Sprintf(audit, `,"policies":{"tenant-rate-limit":"limited"}`), 1},
		"exempt":               {fmt.Sprintf(audit, `,"policies":{"tenant-rate-limit":"exempt"}`), 0},
		"refused":              {fmt.Sprintf(audit, `,"policies":{"tenant-rate-limit":"refused"}`), 0},
		"another's word":       {fmt.Sprintf(audit, `,"policies":{"sunset-headers":"exempt"}`), 1},
		"no words":             {fmt.Sprintf(audit, `,"policies":"exempt"`), 1},
		"cost 0":               {fmt.Sprintf(audit, `,"cost":0`), 0},
		"exempt in Kong's log": {fmt.Sprintf(kong, `,"gatehouse":{"tenant-rate-limit":"exempt"}`), 0},
		"limited in Kong's":    {fmt.Sprintf(kong, `,"gatehouse":{"tenant-rate-limit":"limited"}`), 1},
	} {
		var tally Tally
		found, err := tally.ReadRecorded(strings.NewReader(tt.line))
		var units int64
		if d := tally.Groups()["g."]["t"]; d != nil {
			units = d.Units()
		}
		if err != nil || found.Requests != 1 || units != tt.want || found.Unasked != int(1-tt.want) {
			t.Errorf("%s: %d units of %+v, error %v; want %d", name, units, found, err, tt.want)
		}
	}
}

// TestConsumersAreNamedAsInRedis: see also TestUsageOfConsumersIsByName, of what nodes write.
func TestConsumersAreNamedAsInRedis(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"audit record": `{"time":"2026-03-14T15:09:26Z","route":"orders","consumer":"ERP one","credential_id":"k1","tenant":"","user":""}`,
		"Kong's line":  `{"started_at":1773500966000,"route":{"name":"orders"},"consumer":{"id":"c1","username":"ERP one"},"authenticated_entity":{"id":"k1"}}`,
	} {
		var tally Tally
		if _, err := tally.ReadRecorded(strings.NewReader(line)); err != nil || tally.Groups()["c.ERP%20one"]["u"] == nil {
			t.Errorf("%s: %v, error %v", name, tally.Groups(), err)
		}
	}
}

// TestWhoIsRecorded: nobody is without a credential whom the limiter knew by one.
func TestWhoIsRecorded(t *testing.T) {
	t.Parallel()
	const audit, kong = `{"time":"2026-03-14T15:09:26Z","route":"orders"%s}`, `{"started_at":1773500966000,"route":{"name":"orders"}%s}`
	for name, tt := range map[string]struct{ line, realm, user string }{
		"a consumer with a username alone":    {fmt.Sprintf(audit, `,"consumer":"erp","credential_id":"k1","tenant":"","user":"p_1f"`), "c.erp", "u.p_1f"},
		"one whose user is not told":          {fmt.Sprintf(audit, `,"consumer":"erp","credential_id":"k1","tenant":"","user":"[user]"`), "c.erp", anyUser},
		"the same in Kong's log":              {fmt.Sprintf(kong, `,"consumer":{"id":"c1","username":"erp"},"authenticated_entity":{"id":"k1"}`), "c.erp", "u.erp"},
		"a token's user, and no more":         {fmt.Sprintf(audit, `,"tenant":"","user":"p_1f"`), "u.p_1f", "u.p_1f"},
		"one who is not told":                 {fmt.Sprintf(audit, `,"tenant":"","user":"[user]"`), rest, anyUser},
		"a credential of no consumer":         {fmt.Sprintf(audit, `,"credential_id":"k1","tenant":"","user":""`), "k.k1", "k.k1"},
		"a consumer for whom nobody answered": {fmt.Sprintf(audit, `,"consumer":"guest","tenant":"","user":""`), Anonymous, ""},
		"the same consumer in Kong's log":     {fmt.Sprintf(kong, `,"consumer":{"id":"c1","username":"guest"}`), Anonymous, ""},
		"nobody":                              {fmt.Sprintf(audit, `,"tenant":"","user":""`), Anonymous, ""},
	} {
		if _, s, _, err := parseRecorded([]byte(tt.line)); err != nil || s.Realm != tt.realm || s.User != tt.user {
			t.Errorf("%s: %q of %q, error %v; want %q of %q", name, s.User, s.Realm, err, tt.user, tt.realm)
		}
	}
}

func FuzzParseRecorded(f *testing.F) {
	f.Add([]byte(`{"time":"2026-03-14T15:09:26Z","tenant":"acme","user":"u","route":"orders"}`))
	f.Add([]byte(`{"started_at":1e300,"route":{"name":1},"cost":-5}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if at, s, asked, err := parseRecorded(line); err == nil && (asked && s.Units < 1 || s.Realm == rest && s.User != anyUser || at.IsZero()) {
			t.Errorf("%+v at %v", s, at)
		}
	})
}

// TestMemoryIsBounded: what a tenant's distributions cost, at their worst.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, redistest.Start(t))
	r := NewRecorder(client, "p", "node", 1_000_000, func(int) {})
	random := rand.New(rand.NewPCG(3, 3))
	period := time.Now().Truncate(time.Hour)
	for minute := range 600 { // users whose minutes differ from 1 to 1,000 units
		for u := range 20 {
			r.Observe(period.Add(time.Duration(minute)*time.Minute), Request{
				Realm: "t.acme", User: fmt.Sprint("u.", u), Route: fmt.Sprint(u % 5), Units: 1 + int64(random.ExpFloat64()*float64(u*u)),
			})
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range client.Keys(t.Context(), "p:{t.acme}:seen:[0-9]*").Val() {
		if n := client.MemoryUsage(t.Context(), key).Val(); n > 16_000 {
			t.Errorf("%s takes %d bytes", key, n)
		} else {
			t.Logf("%s takes %d bytes", key, n)
		}
	}
}
