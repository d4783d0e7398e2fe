package membership

import (
	"context"
	_ "embed"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
)

//go:embed heartbeat.lua
var heartbeatText string

var heartbeatScript = redis.NewScript(heartbeatText)

const (
	// every is how often a node sends a heartbeat, and timeout how long that may take.
	every   = 500 * time.Millisecond
	timeout = 400 * time.Millisecond
	// life is how long a node counts after its last heartbeat: one that is gone is in
	// the count for that long, and one that stalls for less is not out of it.
	life = 5 * time.Second
	// recount is how far apart nodes may start that are to know of each other by their
	// second heartbeat.
	recount = 100 * time.Millisecond
)

// Member is one node. Before the first heartbeat that succeeds it knows nothing.
type Member struct {
	client    redis.UniversalClient
	node      string
	nodes     string // the key of the nodes
	overrides string // the key of the overrides for everybody

	count   atomic.Int64
	certain atomic.Bool
	text    atomic.Pointer[string]
	// last is when a heartbeat last succeeded. It belongs to the task.
	last time.Time

	task *periodic.Task
}

// New is a node whose name no other has. Both keys begin with prefix, each in a slot of
// its own in a Redis Cluster.
func New(client redis.UniversalClient, prefix, node string) *Member {
	m := &Member{client: client, node: node, nodes: prefix + ":{nodes}", overrides: OverridesKey(prefix)}
	m.task = periodic.New(every, m.run)
	return m
}

// OverridesKey holds the text of the overrides for everybody.
func OverridesKey(prefix string) string { return prefix + ":{overrides}" }

// Start begins to send heartbeats, the first time that it is called.
func (m *Member) Start() { m.task.Start() }

// run sends a heartbeat, and soon another where the count is not certain yet.
func (m *Member) run(ctx context.Context) {
	m.heartbeat(ctx)
	if m.Nodes() == 0 || m.Certain() {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(recount):
		m.heartbeat(ctx)
	}
}

// heartbeat tells and asks once. What cannot be asked stays as it was.
func (m *Member) heartbeat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	count, err := heartbeatScript.Run(ctx, m.client, []string{m.nodes}, m.node, life.Milliseconds()).Int64()
	if err != nil {
		return
	}
	m.counted(count)
	text, err := m.client.Get(ctx, m.overrides).Result()
	if err == nil || errors.Is(err, redis.Nil) {
		m.text.Store(&text)
	}
}

// counted takes a count. Nodes that start together, or that Redis was away from for
// long, do not see each other at the first heartbeat after that: only the next one's
// count may be less than what is known.
func (m *Member) counted(count int64) {
	now := time.Now()
	certain := !m.last.IsZero() && now.Sub(m.last) < life
	m.last = now
	if !certain {
		count = max(count, m.count.Load())
	}
	m.count.Store(count)
	m.certain.Store(certain)
}

// Certain is false while there may be nodes that have not been heard of.
func (m *Member) Certain() bool { return m.certain.Load() }

// Nodes is how many nodes were alive at the last heartbeat that succeeded, this one
// included; zero before the first.
func (m *Member) Nodes() int64 { return m.count.Load() }

// Count is how many nodes there are, as far as one of them knows.
type Count struct {
	Nodes   int64 `json:"nodes"`
	Certain bool  `json:"certain"`
}

// Known is what the node leaves to the process that takes its place.
func (m *Member) Known() Count { return Count{m.Nodes(), m.Certain()} }

// TakeOver begins with what the process knew whose place this one takes. It is called
// before Start.
func (m *Member) TakeOver(c Count) {
	m.count.Store(c.Nodes)
	m.certain.Store(c.Certain)
}

// Overrides is the text at [OverridesKey] at the last heartbeat that succeeded.
func (m *Member) Overrides() string {
	if text := m.text.Load(); text != nil {
		return *text
	}
	return ""
}

// Close ends the heartbeats and takes the node out of the count, as far as Redis
// lets it before ctx ends.
func (m *Member) Close(ctx context.Context) {
	if !m.task.Stop() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_ = m.client.ZRem(ctx, m.nodes, m.node).Err() // it is forgotten anyway
}
