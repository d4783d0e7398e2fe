package limiter

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
)

// topology reads a Cluster's slots again while there is reason to: go-redis does so once
// a minute, and a failover is over within seconds.
type topology struct {
	masters *masters
	// due says that something has happened since the slots were last read.
	due  atomic.Bool
	task *periodic.Task
}

const (
	// rereadEvery is how often the slots may be read; rereadJitter keeps nodes that saw
	// the same failure from asking together. So a node asks two to four times a second.
	rereadEvery  = 250 * time.Millisecond
	rereadJitter = 250 * time.Millisecond
	// rereadTimeout is how long one reading may take. go-redis asks servers in random
	// order, and one that hangs uses up all of it.
	rereadTimeout = 250 * time.Millisecond
)

func newTopology(m *masters) *topology {
	t := &topology{masters: m}
	t.task = periodic.New(rereadEvery, t.run)
	return t
}

// suspect says that a server may have other slots than is known.
func (t *topology) suspect() {
	t.due.Store(true)
	t.task.Start()
}

// run reads the slots if something has happened, or a server is given up on: its slots
// may move at any time.
func (t *topology) run(ctx context.Context) {
	if !t.due.Swap(false) && !t.masters.failing() {
		return
	}
	if err := t.reread(ctx); err != nil {
		t.due.Store(true)
	}
	select {
	case <-ctx.Done():
	case <-time.After(rand.N(rereadJitter)):
	}
}

var errNoMasters = errors.New("no server knows of a master")

// reread has go-redis read the slots, from the first server that answers, and ends the
// batchers to servers that have none any more.
func (t *topology) reread(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, rereadTimeout)
	defer cancel()
	var mu sync.Mutex
	known := map[string]*redis.Client{}
	err := t.masters.cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		known[master.Options().Addr] = master
		return nil
	})
	if err == nil && len(known) == 0 { // as one says that was started anew, and empty
		err = errNoMasters
	}
	if err == nil {
		t.masters.keep(known)
	}
	return err
}

func (t *topology) close() { t.task.Stop() }
