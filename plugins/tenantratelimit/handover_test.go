package tenantratelimit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/membership"
)

// replace puts a new process in a node's place, which takes over unless the old one was
// killed.
func (d *fleet) replace(t *testing.T, i int, config string, killed bool) {
	t.Helper()
	next := node(t, "redis://"+d.server.Addr)
	if !killed {
		text, err := d.nodes[i].runtime.HandOver()
		if err == nil {
			err = next.TakeOver(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		go func(old *Runtime) { _ = old.Close(context.Background()) }(d.nodes[i].runtime)
	}
	d.nodes[i] = mustProvision(t, next, config)
}

// aware waits until all nodes know how many they are.
func (d *fleet) aware(t *testing.T) {
	t.Helper()
	redistest.Await(t, "all know of all", func(context.Context) bool {
		for _, c := range d.nodes {
			if m := c.limiter.Made().deployment.member; m.Nodes() != int64(len(d.nodes)) || !m.Certain() {
				return false
			}
		}
		return true
	})
}

// Nodes are replaced, once, and again and again, while Redis pauses.
func TestReplacedNodesKeepTheLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		killed bool
		order  []int // of the nodes that are replaced
		more   int64 // that may be admitted than the limit
	}{
		{"one", false, []int{0}, 10},
		{"all, twice", false, []int{0, 1, 2, 0, 1, 2}, 10},
		{"one, killed", true, []int{0}, 10 + 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := fmt.Sprintf(year, 100, "")
			d := deploy(t, 3, config)
			d.aware(t)
			for d.admitted.Load() < 90 {
				d.ask(d.nodes[1])
				time.Sleep(time.Millisecond)
			}
			d.server.Pause()
			d.hammer(6, 500*time.Millisecond, 5*time.Millisecond)
			for _, i := range tt.order {
				d.replace(t, i, config, tt.killed)
				d.hammer(6, 300*time.Millisecond, 5*time.Millisecond)
			}
			d.hammer(6, 2*time.Second, 5*time.Millisecond)
			inPause := d.admitted.Load()
			d.server.Resume()
			d.hammer(6, 3*time.Second, 5*time.Millisecond)
			n := d.admitted.Load()
			t.Logf("%d admitted at the end of the pause, %d at last", inPause, n)
			if n > 100+tt.more || n < 90 {
				t.Errorf("%d admitted of a limit of 100, want at most %d", n, 100+tt.more)
			}
		})
	}
}

// A node that starts while its Redis is away does not know how many there are.
func TestNodeThatNeverHeard(t *testing.T) {
	t.Parallel()
	for extra, want := range map[string]int{"": 5, `,"nodes":1`: 20, `,"nodes":10`: 2} {
		c := mustProvision(t, node(t, "redis://127.0.0.1:1"), fmt.Sprintf(year, 20, extra))
		admitted := 0
		for range 60 {
			if c.Limiter().Decide(t.Context(), user("acme", "alice")).Allowed() {
				admitted++
			}
		}
		if admitted != want {
			t.Errorf("with %q, %d of 20 admitted, want %d", extra, admitted, want)
		}
	}
}

// What was left passes through a process that no config asked for it, and names no URL.
func TestHandedOverUnasked(t *testing.T) {
	t.Parallel()
	const url = "redis://user:hunter2@127.0.0.1:1"
	config := fmt.Sprintf(year, 20, "")
	first := node(t, url)
	c := mustProvision(t, first, config)
	c.limiter.Made().deployment.member.TakeOver(membership.Count{Nodes: 2, Certain: true})
	ask := func(c *Config) (admitted int) {
		for range 60 {
			if c.Limiter().Decide(t.Context(), user("acme", "alice")).Allowed() {
				admitted++
			}
		}
		return admitted
	}
	if n := ask(c); n != 10 {
		t.Fatalf("%d admitted, want one of two nodes' part", n)
	}
	text, err := first.HandOver()
	for range 2 {
		if err != nil || strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "127.0.0.1") {
			t.Fatalf("error %v, and %s", err, text)
		}
		next := node(t, url)
		if err := next.TakeOver(text); err != nil {
			t.Fatal(err)
		}
		text, err = next.HandOver()
	}
	last := node(t, url)
	if err := last.TakeOver(text); err != nil {
		t.Fatal(err)
	}
	c = mustProvision(t, last, config)
	m := c.limiter.Made().deployment.member
	if n := ask(c); n != 0 || m.Nodes() != 2 || !m.Certain() {
		t.Errorf("%d admitted again; of %d nodes, certain: %v", n, m.Nodes(), m.Certain())
	}
}

func TestTakeOverOfWhatIsNone(t *testing.T) {
	t.Parallel()
	now := noon
	at := func(ago time.Duration) string { return fmt.Sprint(now.Add(-ago).UnixMilli()) }
	for name, tt := range map[string]struct{ text, want string }{
		"good":          {`{"version":2,"at":` + at(0) + `,"redis":{"x":{"nodes":{"gatehouse":{"nodes":3,"certain":true}}}}}`, ""},
		"nothing":       {``, "unexpected end"},
		"cut off":       {`{"version":2,"at":` + at(0) + `,"redis":{`, "unexpected end"},
		"a minute old":  {`{"version":2,"at":` + at(time.Minute) + `}`, ""},
		"older":         {`{"version":2,"at":` + at(61*time.Second) + `}`, "written 1m1s ago"},
		"of the future": {`{"version":2,"at":` + at(-2*time.Minute) + `}`, "written -2m0s ago"},
		"another":       {`{"version":3,"at":"tomorrow"}`, "version 3"},
		"no redis":      {`{"version":2,"at":` + at(0) + `,"redis":{"x":null}}`, "without nodes"},
		"nodes":         {`{"version":2,"at":` + at(0) + `,"redis":{"x":{"nodes":{"p":{"nodes":-1}}}}}`, "-1 nodes"},
		"a limit":       {`{"version":2,"at":` + at(0) + `,"redis":{"x":{"nodes":{},"counters":{"limits":[{"quota":-1}]}}}}`, "limit: -1"},
		"too large":     {`"` + strings.Repeat("x", MaxHandOver) + `"`, "more than 16777216 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := alone(t)
			err := r.TakeOver([]byte(tt.text))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if err != nil && len(r.predecessor) != 0 {
				t.Error("it is used all the same")
			}
		})
	}
}

// Of too many counters, those that matter most are handed over.
func TestHandOverIsBounded(t *testing.T) {
	t.Parallel()
	local := limiter.NewLocal(1000, func() time.Time { return noon })
	limit, err := limiter.Compile(limiter.Spec{Name: "l", Algorithm: limiter.FixedWindow, Quota: 9, Window: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		ask := limiter.Request{Descriptors: []limiter.Descriptor{{Limit: limit, Key: fmt.Sprint("key", i), Cost: 1}}, Offline: true}
		if _, err := local.Take(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
	}
	left := handover{}
	left.of("x").Counters = local.HandOver()
	const size = 2000
	text, err := left.write(noon, size)
	if err != nil || len(text) > size || len(text) < size/4 {
		t.Fatalf("%d bytes, error %v; want %d at most, and not much less", len(text), err, size)
	}
	got, err := readHandover(text, noon)
	if err != nil || !json.Valid(text) || got.of("x").Counters.Len() == 0 {
		t.Errorf("%d counters, error %v", got.of("x").Counters.Len(), err)
	}
}
