package limiter

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// masters are the batchers to a Cluster's masters. Each belongs to a server, as its breaker
// does, and a slot is asked of the server that has it now.
type masters struct {
	cluster *redis.ClusterClient
	make    func(client redis.UniversalClient, addr string) *batcher
	// gone is told of a server that has no slots any more.
	gone func(addr string)

	mu     sync.RWMutex
	byAddr map[string]*batcher
}

// of is the batcher to the master that has the key. isNew says that it was not there.
func (m *masters) of(ctx context.Context, key string) (b *batcher, isNew bool, err error) {
	master, err := m.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, false, fmt.Errorf("find the slot's server: %w", err)
	}
	addr := master.Options().Addr
	m.mu.RLock()
	b = m.byAddr[addr]
	m.mu.RUnlock()
	if b.isTo(master) {
		return b, false, nil
	}
	return m.open(master, addr), true, nil
}

// isTo is false for a client that go-redis has closed, or will: of a server that leaves
// the Cluster it does so after a minute, and has another when the server is back.
func (b *batcher) isTo(master *redis.Client) bool { return b != nil && b.client == master }

func (m *masters) open(master *redis.Client, addr string) *batcher {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.byAddr[addr]
	if old.isTo(master) {
		return old
	}
	if old != nil {
		m.end(addr, old)
	}
	b := m.make(master, addr)
	m.byAddr[addr] = b
	return b
}

// keep ends the batchers to all servers but those.
func (m *masters) keep(known map[string]*redis.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for addr, b := range m.byAddr {
		if !b.isTo(known[addr]) {
			m.end(addr, b)
		}
	}
}

// end waits for the answers that are still out. The caller holds m.mu.
func (m *masters) end(addr string, b *batcher) {
	delete(m.byAddr, addr)
	b.retire()
	m.gone(addr)
}

// failing is true while a server is given up on.
func (m *masters) failing() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, b := range m.byAddr {
		if !b.breaker.circuit.IsClosed() {
			return true
		}
	}
	return false
}

func (m *masters) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.byAddr {
		b.close()
	}
}
