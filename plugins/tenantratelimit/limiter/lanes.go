package limiter

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// lanes are the batchers to a Cluster's masters. Each belongs to a server, and a slot is
// asked in the lane of the server that has it now.
type lanes struct {
	cluster *redis.ClusterClient
	make    func(client *redis.Client, addr string) *batcher
	// gone is told of a server that has no slots any more.
	gone func(addr string)

	mu     sync.RWMutex
	byAddr map[string]*batcher
}

// of is the lane of the master that has the key. isNew says that it was not there.
func (l *lanes) of(ctx context.Context, key string) (b *batcher, isNew bool, err error) {
	master, err := l.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, false, fmt.Errorf("find the slot's server: %w", err)
	}
	addr := master.Options().Addr
	l.mu.RLock()
	b = l.byAddr[addr]
	l.mu.RUnlock()
	if b.isTo(master) {
		return b, false, nil
	}
	return l.open(master, addr), true, nil
}

// isTo is false for a client that go-redis has closed, or will: of a server that leaves
// the Cluster it does so after a minute, and has another when the server is back.
func (b *batcher) isTo(master *redis.Client) bool { return b != nil && b.client == master }

func (l *lanes) open(master *redis.Client, addr string) *batcher {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.byAddr[addr]
	if old.isTo(master) {
		return old
	}
	if old != nil {
		l.end(addr, old)
	}
	b := l.make(master, addr)
	l.byAddr[addr] = b
	return b
}

// keep ends the lanes of all servers but masters.
func (l *lanes) keep(masters map[string]*redis.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for addr, b := range l.byAddr {
		if !b.isTo(masters[addr]) {
			l.end(addr, b)
		}
	}
}

// end waits for the answers that are still out. The caller holds l.mu.
func (l *lanes) end(addr string, b *batcher) {
	delete(l.byAddr, addr)
	b.retire()
	l.gone(addr)
}

// failing is true while a server is given up on.
func (l *lanes) failing() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, b := range l.byAddr {
		if !b.breaker.circuit.IsClosed() {
			return true
		}
	}
	return false
}

func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.byAddr {
		b.close()
	}
}
