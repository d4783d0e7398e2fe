// Package pulse tells the nodes of one deployment how many they are, and brings
// each what all of them have to know: twice a second, in the background.
package pulse

import (
	"context"
	_ "embed"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/periodic"
)

//go:embed beat.lua
var beatText string

var beatScript = redis.NewScript(beatText)

// How often a node beats, how long a beat may take, and how long a node counts
// after its last: one that is gone is in the count for that long, and one that
// stalls for less is not out of it.
const (
	every   = 500 * time.Millisecond
	patient = 400 * time.Millisecond
	life    = 5 * time.Second
	// settling is how far apart nodes may start that are to know of each other by
	// their second beat.
	settling = 100 * time.Millisecond
)

// Pulse is one node's. Before the first beat that succeeds it knows nothing;
// while Redis fails it knows what it last heard.
type Pulse struct {
	client redis.UniversalClient
	node   string
	nodes  string // the key of the nodes
	notice string // the key of what all have to know

	count   atomic.Int64
	settled atomic.Bool
	text    atomic.Pointer[string]
	// last is when a beat last succeeded. It belongs to the task.
	last time.Time

	task *periodic.Task
}

// New is the pulse of a node whose name no other has. Both keys begin with
// prefix, each in a slot of its own in a Redis Cluster.
func New(client redis.UniversalClient, prefix, node string) *Pulse {
	p := &Pulse{client: client, node: node, nodes: prefix + ":{nodes}", notice: NoticeKey(prefix)}
	p.task = periodic.New(every, p.run)
	return p
}

// NoticeKey holds a text for all nodes.
func NoticeKey(prefix string) string { return prefix + ":{overrides}" }

// Start begins to beat, the first time that it is called.
func (p *Pulse) Start() { p.task.Start() }

// run beats, and soon again where the first count of all is not to be relied on.
func (p *Pulse) run(ctx context.Context) {
	p.beat(ctx)
	if p.Nodes() == 0 || p.Settled() {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(settling):
		p.beat(ctx)
	}
}

// beat tells and asks once. What cannot be asked stays as it was.
func (p *Pulse) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	count, err := beatScript.Run(ctx, p.client, []string{p.nodes}, p.node, life.Milliseconds()).Int64()
	if err != nil {
		return
	}
	p.counted(count)
	text, err := p.client.Get(ctx, p.notice).Result()
	if err == nil || errors.Is(err, redis.Nil) {
		p.text.Store(&text)
	}
}

// counted takes a count. Nodes that start together, or that Redis was away from for
// long, do not see each other at the first beat after that: only the next one's
// count may be less than what is known.
func (p *Pulse) counted(count int64) {
	now := time.Now()
	settled := !p.last.IsZero() && now.Sub(p.last) < life
	p.last = now
	if !settled {
		count = max(count, p.count.Load())
	}
	p.count.Store(count)
	p.settled.Store(settled)
}

// Settled is false while there may be nodes that have not been heard of.
func (p *Pulse) Settled() bool { return p.settled.Load() }

// Nodes is how many nodes were alive at the last beat that succeeded, this one
// included; zero before the first.
func (p *Pulse) Nodes() int64 { return p.count.Load() }

// Count is how many nodes there are, as far as one of them knows.
type Count struct {
	Nodes   int64 `json:"nodes"`
	Settled bool  `json:"settled"`
}

// Known is what the node leaves to the process that takes its place.
func (p *Pulse) Known() Count { return Count{p.Nodes(), p.Settled()} }

// TakeOver begins with what the process knew whose place this one takes. It is called
// before Start.
func (p *Pulse) TakeOver(c Count) {
	p.count.Store(c.Nodes)
	p.settled.Store(c.Settled)
}

// Notice is the text at [NoticeKey] at the last beat that succeeded.
func (p *Pulse) Notice() string {
	if text := p.text.Load(); text != nil {
		return *text
	}
	return ""
}

// Close ends the beats and takes the node out of the count, as far as Redis
// lets it before ctx ends.
func (p *Pulse) Close(ctx context.Context) {
	if !p.task.Stop() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	_ = p.client.ZRem(ctx, p.nodes, p.node).Err() // it is forgotten anyway
}
