package usage

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
	"github.com/gatehousehq/gatehouse/internal/redisscript"
)

//go:embed observe.lua
var observeText string

var observeScript = redis.NewScript(observeText)

// Recorder counts what one node sees and adds it to what Redis knows.
type Recorder struct {
	// Partly, if not nil, is told about each request that is not counted as one of
	// its tenant, user and route, or whose credential is not remembered, since there
	// were too many of them. It is set before the first request.
	Partly func()

	client   redis.UniversalClient
	prefix   string
	node     string
	capacity int
	// lost is told about requests that were seen and not kept.
	lost func(requests int)

	mu     sync.Mutex
	counts counts
	held   int // counts
	seen   int // requests
	sight  sight

	task *periodic.Task
}

// flushEvery is how often a node writes, and pipelineTimeout how long each
// pipeline of that may take.
const (
	flushEvery      = 10 * time.Second
	pipelineTimeout = 2 * time.Second
)

// A run of the script keeps Redis from other work, and so does a pipeline, which
// Redis reads in one go. A count takes it some 6 µs and a run 10 more, so that
// neither holds it for more than half a millisecond.
const (
	maxCounts = 64 // of a run, and of a pipeline
	maxRuns   = 16 // of a pipeline
	// pause is what is left to requests after each pipeline.
	pause = time.Millisecond
)

// perMinute are the bounds of one node in a minute. So many counts take Redis a
// hundredth of its time.
var perMinute = bounds{realms: 5000, users: 5000, addresses: 500, routes: 500}

// NewRecorder is that of a node, whose name no other has. It holds at most capacity counts
// between two writes, about 200 bytes each; what would need more is lost, and said so.
func NewRecorder(client redis.UniversalClient, prefix, node string, capacity int, lost func(int)) *Recorder {
	r := &Recorder{client: client, prefix: prefix, node: node, capacity: capacity, lost: lost, counts: counts{}, sight: sight{}}
	r.task = periodic.New(flushEvery, func(ctx context.Context) {
		// To be stopped in the middle would lose what was taken. What is lost is counted.
		_ = r.Flush(context.WithoutCancel(ctx))
	})
	return r
}

// Observe counts a request that came in at that time. It asks nothing of Redis.
func (r *Recorder) Observe(at time.Time, s Request) {
	window := at.Unix() / windowSeconds
	r.mu.Lock()
	known := r.sight.see(s.Credential, at.Unix())
	full, whole := r.held >= r.capacity, true
	if !full {
		var grown int
		grown, whole = r.counts.add(window, s, perMinute)
		r.held += grown
		r.seen++
	}
	r.mu.Unlock()
	if full {
		r.lost(1)
	}
	if (!whole || !known) && r.Partly != nil {
		r.Partly()
	}
}

// See notes that a credential was used, of a request that is not counted.
func (r *Recorder) See(at time.Time, c Credential) {
	r.mu.Lock()
	known := r.sight.see(c, at.Unix())
	r.mu.Unlock()
	if !known && r.Partly != nil {
		r.Partly()
	}
}

// Start begins to write in the background, the first time that it is called.
func (r *Recorder) Start() { r.task.Start() }

// Close ends the writing in the background and writes what is left.
func (r *Recorder) Close(ctx context.Context) error {
	if !r.task.Stop() {
		return nil
	}
	if err := r.Flush(ctx); err != nil {
		return err // nobody knows what is not written: the node stays among those that wrote
	}
	return r.leave(ctx)
}

// Flush writes what was counted and seen. Counts that cannot be written are lost: memory
// that grows while Redis is away would be worse. Which credentials were seen is kept for
// the next time.
func (r *Recorder) Flush(ctx context.Context) error {
	r.mu.Lock()
	until := time.Now()
	taken, requests, seen := r.counts, r.seen, r.sight
	r.counts, r.held, r.seen, r.sight = counts{}, 0, 0, sight{}
	r.mu.Unlock()
	err := r.write(ctx, taken)
	if err != nil {
		r.lost(requests)
	}
	return errors.Join(err, r.writeSeen(ctx, seen, until))
}

func (r *Recorder) write(ctx context.Context, c counts) error {
	runs := r.runs(c)
	for len(runs) > 0 {
		n := together(runs)
		if err := r.send(ctx, runs[:n]); err != nil {
			return fmt.Errorf("write what was asked for: %w", err)
		}
		if runs = runs[n:]; len(runs) > 0 {
			time.Sleep(pause)
		}
	}
	return nil
}

// together is how many of the runs share a pipeline.
func together(runs []*observation) (n int) {
	counts := 0
	for n < min(len(runs), maxRuns) {
		if counts += runs[n].counts(); counts > maxCounts {
			break
		}
		n++
	}
	return max(n, 1)
}

// observation is one run of observe.lua.
type observation struct{ redisscript.Run }

// Arguments of observe.lua before the counts, and for each.
const (
	headerArgs = 2
	countArgs  = 3
)

func (o *observation) counts() int { return (len(o.Args) - headerArgs) / countArgs }

// runs are as many for each window of each group as it has counts for.
func (r *Recorder) runs(c counts) []*observation {
	open := map[cell]*observation{}
	var list []*observation
	for at, units := range c.cells() {
		group := cell{window: at.window, group: at.group}
		o := open[group]
		if o == nil || o.counts() == maxCounts {
			o = r.newObservation(group)
			open[group], list = o, append(list, o)
		}
		o.Args = append(o.Args, at.kind, at.whose, strconv.FormatInt(units, 10))
	}
	return list
}

func (r *Recorder) newObservation(group cell) *observation {
	tag := r.prefix + ":{" + group.group + "}:seen:"
	period := group.window * windowSeconds / periodSeconds
	return &observation{redisscript.Run{
		Keys: []string{tag + "m" + strconv.FormatInt(group.window, 10), tag + strconv.FormatInt(period, 10)},
		Args: []any{group.window*windowSeconds + windowLife, (period+1)*periodSeconds + keptSeconds},
	}}
}

// Distributions are kept for periods of thirty days, each until ninety days
// after its end.
const (
	periodSeconds = 30 * 24 * 3600
	keptSeconds   = 90 * 24 * 3600
	// windowLife is how long after a window's beginning nodes may add to it.
	windowLife = 5 * windowSeconds
)

// send makes the runs in one pipeline.
func (r *Recorder) send(ctx context.Context, list []*observation) error {
	ctx, cancel := context.WithTimeout(ctx, pipelineTimeout)
	defer cancel()
	runs := make([]*redisscript.Run, len(list))
	for i, o := range list {
		runs[i] = &o.Run
	}
	_, err := redisscript.Pipeline(ctx, r.client, observeScript, runs)
	return err
}
