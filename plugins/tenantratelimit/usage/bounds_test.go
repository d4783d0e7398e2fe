package usage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// watch sees what is sent to Redis: the counts of each run, by pipeline.
type watch struct{ pipelines [][]int }

func (w *watch) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (w *watch) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (w *watch) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var runs []int
		for _, cmd := range cmds {
			runs = append(runs, (len(cmd.Args())-5-headerArgs)/countArgs) // EVALSHA, sha, 2, two keys
		}
		w.pipelines = append(w.pipelines, runs)
		return next(ctx, cmds)
	}
}

// However many users a tenant has, and however many tenants there are, no run and
// no pipeline keeps Redis for long.
func TestRunsAreShort(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func(i int) Request{
		"users of one tenant": func(i int) Request { return Request{Realm: "t.acme", User: fmt.Sprint("u.", i), Units: 1} },
		"tenants":             func(i int) Request { return Request{Realm: fmt.Sprint("t.", i), User: "u", Route: "r", Units: 1} },
		"anonymous":           func(i int) Request { return Request{Realm: Anonymous, User: fmt.Sprint("i.", i), Units: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := redistest.Client(t, "redis://"+miniredis.RunT(t).Addr())
			var w watch
			client.AddHook(&w)
			r := NewRecorder(client, "p", "node", 1_000_000, func(int) {})
			const requests = 3000
			now := time.Now()
			for i := range requests {
				r.Observe(now, request(i))
			}
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, runs := range w.pipelines {
				total := 0
				for _, counts := range runs {
					total += counts
				}
				if total > maxCounts || len(runs) > maxRuns {
					t.Fatalf("a pipeline of %d runs with %d counts", len(runs), total)
				}
			}
			groups, err := Read(t.Context(), client, "p")
			if err != nil || groups["g."]["t"].Units() != requests {
				t.Errorf("error %v; Redis knows %+v of all", err, groups["g."]["t"])
			}
		})
	}
}

// Clients choose how many addresses they have, and what they write is bounded all
// the same. What is bounded is counted in total.
func TestWhatIsWrittenIsBounded(t *testing.T) {
	t.Parallel()
	small := bounds{realms: 3, users: 5, addresses: 2, routes: 4}
	c := counts{}
	partly := 0
	for i := range 100 {
		for _, s := range []Request{
			{Realm: Anonymous, User: fmt.Sprint("i.", i), Route: "r", Units: 1},
			{Realm: "t.a", User: fmt.Sprint("u.", i), Route: "r", Units: 1},
			{Realm: "t.b", Route: fmt.Sprint("r", i), Units: 1},
			{Realm: fmt.Sprint("t.", i), User: "u", Route: "r", Units: 1},
		} {
			if _, whole := c.add(1, s, small); !whole {
				partly++
			}
		}
	}
	if want := 98 + 95 + 96 + 100; partly != want {
		t.Errorf("%d requests are counted partly, want %d", partly, want)
	}
	got := map[string]int{}
	cells := c.cells()
	for at := range cells {
		got[at.group+" "+at.kind]++
	}
	for group, want := range map[string]int{"anonymous u": 2, "t.a u": 5, "t.b r": 4, "t.1 t": 0, "g. t": 1} {
		if got[group] != want {
			t.Errorf("%s: %d counts, want %d", group, got[group], want)
		}
	}
	for at, want := range map[cell]int64{
		{1, groupEverybody, kindTotal, ""}: 400, {1, Anonymous, kindTotal, ""}: 100, {1, "r.r", kindTotal, ""}: 300,
	} {
		if cells[at] != want {
			t.Errorf("%+v: %d units, want %d", at, cells[at], want)
		}
	}
}

func TestPartlyIsTold(t *testing.T) {
	t.Parallel()
	told := 0
	r := NewRecorder(redistest.Client(t, "redis://127.0.0.1:1"), "p", "node", 1_000_000, func(int) {})
	r.Partly = func() { told++ }
	for i := range perMinute.addresses + 7 {
		r.Observe(start, Request{Realm: Anonymous, User: fmt.Sprint(i), Units: 1})
	}
	if told != 7 {
		t.Errorf("told %d times, want 7", told)
	}
}
