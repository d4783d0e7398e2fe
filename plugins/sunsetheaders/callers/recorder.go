package callers

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
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

//go:embed record.lua
var recordText string

var recordScript = redis.NewScript(recordText)

// How long callers are kept: Kept after the end of the version, or after their last call
// where that is later, and keptSilent after their last call at most, which takes in those
// who call once a year.
const (
	Kept       = 90 * day
	keptSilent = 400 * day
	// routeKept is for how long after its last call a route is: longer than any caller.
	routeKept = Kept + keptSilent
	day       = 24 * time.Hour
)

// bounds are on memory. A node holds callers that it saw since it wrote last, or that it
// could not write, at some 500 bytes each; Redis holds callers of a route, at four kilobytes
// each.
type bounds struct{ held, callers int }

var defaultBounds = bounds{held: 10_000, callers: 1000}

// flushEvery is how often a node writes, and pipelineTimeout how long each pipeline of
// that may take. A run of the script takes Redis some 100 µs at most, and keeps it from other
// work: neither a run nor a pipeline holds it for more than half a millisecond.
const (
	flushEvery      = 10 * time.Second
	pipelineTimeout = 2 * time.Second
	maxRuns         = 4                // of a pipeline
	pause           = time.Millisecond // what is left to others after each
)

// Call is one request to a version that is going to end.
type Call struct {
	At     time.Time
	Route  string
	Caller Caller
	Stage  lifecycle.Stage
	// End is when the version ends; zero if it does not.
	End time.Time
	// UserAgent is the header as it came.
	UserAgent string
}

// Recorder counts what one node sees, and adds it to what Redis knows. It is safe for
// concurrent use.
type Recorder struct {
	// Lost, if not nil, is told of calls that were seen and are not kept. It is set
	// before the first call.
	Lost func(calls int64)
	// Said, if not nil, is told when writing begins to fail, and with nil when it works
	// again. It is set before the first call.
	Said func(error)

	client redis.UniversalClient
	prefix string
	bounds bounds

	mu   sync.Mutex
	held map[place]*tally

	writing sync.Mutex // one writes at a time
	failing bool

	task *periodic.Task
}

// place is what calls are counted by.
type place struct {
	route  string
	caller Caller
}

// NewRecorder writes nothing before [Recorder.Observe] was called. Each Redis key begins
// with the prefix.
func NewRecorder(client redis.UniversalClient, prefix string) *Recorder {
	r := &Recorder{client: client, prefix: prefix, bounds: defaultBounds, held: map[place]*tally{}}
	r.task = periodic.New(flushEvery, func(ctx context.Context) {
		// To be stopped in the middle would leave more to the end. Failures are said.
		_ = r.Flush(context.WithoutCancel(ctx))
	})
	return r
}

// Observe counts a call. It asks nothing of Redis.
func (r *Recorder) Observe(c Call) {
	r.task.Start()
	r.observe(c)
}

func (r *Recorder) observe(c Call) {
	agent := Products(c.UserAgent)
	at := place{c.Route, c.Caller.clean()}
	r.mu.Lock()
	kept := r.count(at, &c, agent)
	r.mu.Unlock()
	if !kept {
		r.lose(1)
	}
}

// count reports whether there was room. The caller holds r.mu.
func (r *Recorder) count(at place, c *Call, agent string) bool {
	t := r.held[at]
	if t == nil {
		if len(r.held) >= r.bounds.held {
			return false
		}
		t = newTally(c.At.Unix())
		r.held[at] = t
	}
	t.saw(c.At.Unix(), agent)
	t.end = 0
	if !c.End.IsZero() {
		t.end = c.End.Unix()
	}
	return t.count(dayOf(c.At), c.Stage, 1)
}

func (r *Recorder) lose(calls int64) {
	if calls > 0 && r.Lost != nil {
		r.Lost(calls)
	}
}

// Close ends the writing in the background and writes what is left. What cannot be written
// then is lost.
func (r *Recorder) Close(ctx context.Context) error {
	if !r.task.Stop() {
		return nil
	}
	err := r.Flush(ctx)
	r.mu.Lock()
	left := r.held
	r.held = map[place]*tally{}
	r.mu.Unlock()
	for _, t := range left {
		r.lose(t.calls())
	}
	return err
}

// Flush writes what was counted. What cannot be written is kept for the next time, as far
// as there is room. A call whose write was not answered may be counted twice.
func (r *Recorder) Flush(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	taken := r.held
	r.held = map[place]*tally{}
	r.mu.Unlock()
	undone, err := r.write(ctx, taken)
	r.keep(undone)
	if err != nil {
		err = fmt.Errorf("record who calls versions that end: %w", err)
	}
	r.say(err)
	return err
}

// say tells of the first failure, and of the end of failures.
func (r *Recorder) say(err error) {
	if failing := err != nil; failing != r.failing {
		r.failing = failing
		if r.Said != nil {
			r.Said(err)
		}
	}
}

// keep puts back what could not be written.
func (r *Recorder) keep(undone map[place]*tally) {
	var lost int64
	r.mu.Lock()
	for at, earlier := range undone {
		switch t := r.held[at]; {
		case t != nil:
			lost += t.merge(earlier)
		case len(r.held) < r.bounds.held:
			r.held[at] = earlier
		default:
			lost += earlier.calls()
		}
	}
	r.mu.Unlock()
	r.lose(lost)
}

// write returns what was not written, or may not have been.
func (r *Recorder) write(ctx context.Context, taken map[place]*tally) (undone map[place]*tally, err error) {
	now := time.Now()
	// The routes first: what is of a route that nobody knows of is not found again.
	if err := r.tellRoutes(ctx, now, taken); err != nil {
		return taken, err
	}
	runs := make([]*redisscript.Run, 0, len(taken))
	of := make(map[*redisscript.Run]place, len(taken))
	for at, t := range taken {
		run := r.run(now, at, t)
		runs, of[run] = append(runs, run), at
	}
	undone = map[place]*tally{}
	for len(runs) > 0 && err == nil {
		n := min(len(runs), maxRuns)
		var failed []*redisscript.Run
		failed, err = r.send(ctx, runs[:n])
		for _, run := range failed {
			undone[of[run]] = taken[of[run]]
		}
		if runs = runs[n:]; len(runs) > 0 {
			time.Sleep(pause)
		}
	}
	for _, run := range runs {
		undone[of[run]] = taken[of[run]]
	}
	return undone, err
}

func (r *Recorder) send(ctx context.Context, runs []*redisscript.Run) ([]*redisscript.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, pipelineTimeout)
	defer cancel()
	return redisscript.Pipeline(ctx, r.client, recordScript, runs)
}

// run is that of record.lua for one caller.
func (r *Recorder) run(now time.Time, at place, t *tally) *redisscript.Run {
	keys := keysOf(r.prefix, at.route)
	run := &redisscript.Run{
		Keys: []string{keys.index, keys.caller(at.caller.member()), keys.caller(others.member())},
		Args: []any{
			at.caller.member(), at.caller.text(), others.member(), others.text(), r.bounds.callers, maxAgents, maxDays,
			now.Unix(), t.first, t.last, t.end, seconds(Kept), seconds(keptSilent), len(t.agents),
		},
	}
	for agent := range t.agents {
		run.Args = append(run.Args, agent)
	}
	for day, counts := range t.days {
		run.Args = append(run.Args, day, counts.text())
	}
	return run
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// tellRoutes says when routes were called last, and since when nodes record.
func (r *Recorder) tellRoutes(ctx context.Context, now time.Time, taken map[place]*tally) error {
	ctx, cancel := context.WithTimeout(ctx, pipelineTimeout)
	defer cancel()
	until := now.Add(routeKept)
	last := map[string]int64{}
	for at, t := range taken {
		last[at.route] = max(last[at.route], t.last)
	}
	var list []redis.Z
	for route, at := range last {
		list = append(list, redis.Z{Score: float64(at + seconds(routeKept)), Member: route})
	}
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		if len(list) > 0 {
			p.ZAddGT(ctx, routesKey(r.prefix), list...)
		}
		p.ZRemRangeByScore(ctx, routesKey(r.prefix), "-inf", strconv.FormatInt(now.Unix(), 10))
		p.ExpireAt(ctx, routesKey(r.prefix), until)
		p.ExpireAt(ctx, sinceKey(r.prefix), until)
		p.SetArgs(ctx, sinceKey(r.prefix), now.Unix(), redis.SetArgs{Mode: "NX", ExpireAt: until})
		return nil
	})
	if errors.Is(err, redis.Nil) { // of the last one: it is there
		return nil
	}
	return err
}
