package tenantratelimit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// year is a limit whose window does not end while a test runs.
const year = `{"observe":false,"limits":[{"name":"t","scope":["tenant"],"limit":%d,"window_seconds":31536000,"algorithm":"fixed_window"}],` +
	`"default_user_limit":{"expected_peak":1000000}%s}`

// fleet is several nodes on one Redis, each of which has heard of the tenant's
// counter.
type fleet struct {
	server   *redistest.Server
	nodes    []*Config
	admitted atomic.Int64
}

func deploy(t *testing.T, nodes int, config string) *fleet {
	t.Helper()
	d := &fleet{server: redistest.Launch(t)}
	d.server.Client()
	for range nodes {
		r := node(t, "redis://"+d.server.Addr)
		d.ask(patient(t, r, config)) // until it has heard
		d.nodes = append(d.nodes, mustProvision(t, r, config))
	}
	return d
}

func (d *fleet) ask(c *Config) {
	if c.Limiter().Decide(context.Background(), user("acme", "alice")).Allowed() {
		d.admitted.Add(1)
	}
}

// hammer asks all nodes by callers at once, until the time is over.
func (d *fleet) hammer(callers int, span, pause time.Duration) {
	over := time.Now().Add(span)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for time.Now().Before(over) {
				d.ask(d.nodes[i%len(d.nodes)])
				time.Sleep(pause)
			}
		})
	}
	group.Wait()
}

// holds asks on until what is left of the limit is admitted too, and then finds no
// more than the bound. A machine that is busy takes long.
func (d *fleet) holds(t *testing.T, limit int64) {
	t.Helper()
	redistest.Await(t, "the limit is used to its end", func(context.Context) bool {
		d.hammer(2*len(d.nodes), 100*time.Millisecond, 5*time.Millisecond)
		return d.admitted.Load() >= limit*9/10
	})
	d.hammer(2*len(d.nodes), time.Second, 5*time.Millisecond)
	if n := d.admitted.Load(); n > limit+limit/10 {
		t.Errorf("%d admitted of a limit of %d", n, limit)
	} else {
		t.Logf("%d admitted of a limit of %d", n, limit)
	}
}

// Nodes whose processors are busy miss the answers of a Redis that is well.
func TestBusyProcessorsKeepTheLimit(t *testing.T) {
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			d := deploy(t, 3, fmt.Sprintf(year, 100, ""))
			var stop atomic.Bool
			var busy sync.WaitGroup
			for range 8 * runtime.GOMAXPROCS(0) {
				busy.Go(func() {
					for !stop.Load() { // it only keeps a processor busy
					}
				})
			}
			d.hammer(60, 1500*time.Millisecond, 0)
			stop.Store(true)
			busy.Wait()
			d.holds(t, 100)
		})
	}
}

// A Redis that pauses again and again.
func TestPausesKeepTheLimit(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{3, 30} {
		t.Run(fmt.Sprint(callers), func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 3, fmt.Sprintf(year, 100, ""))
			var pauses sync.WaitGroup
			pauses.Go(func() {
				for range 12 {
					d.server.Pause()
					time.Sleep(60 * time.Millisecond)
					d.server.Resume()
					time.Sleep(190 * time.Millisecond)
				}
			})
			d.hammer(callers, 5*time.Second, 30*time.Millisecond)
			pauses.Wait()
			d.holds(t, 100)
		})
	}
}

// One long pause, when the budget is used up by one node alone, and the others
// heard of it when it was new.
func TestLongPauseKeepsTheLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		nodes, spent int
	}{{1, 20}, {1, 10}, {3, 20}, {3, 5}} {
		t.Run(fmt.Sprint(tt.nodes, " nodes, ", tt.spent), func(t *testing.T) {
			t.Parallel()
			d := deploy(t, tt.nodes, fmt.Sprintf(year, 20, ""))
			for d.admitted.Load() < int64(tt.spent) {
				d.ask(d.nodes[0])
			}
			d.server.Pause()
			d.hammer(2*tt.nodes, 4*time.Second, 5*time.Millisecond)
			inPause := d.admitted.Load()
			d.server.Resume()
			t.Log(inPause, "at the end of the pause")
			d.holds(t, 20)
		})
	}
}
