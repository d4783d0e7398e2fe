package kongrequest

import (
	"sync"
	"time"
)

const (
	// memoryTime is how long an entity of Kong's may be out of date. Kong's own
	// workers take about as long to agree on a new config.
	memoryTime = time.Second
	// memorySize bounds the entities of a kind. Where there are more in use, they
	// are forgotten together.
	memorySize = 4096
)

// memory holds Kong's entities of one kind, so that a busy one is not asked for
// with every request. It is safe for concurrent use, and the zero value is empty.
type memory[T any] struct {
	mu   sync.RWMutex
	byID map[string]entity[T]
}

type entity[T any] struct {
	value T
	until time.Time
}

// get returns what was remembered, or asks and remembers that. What has no id is asked
// for each time.
func (m *memory[T]) get(id string, now time.Time, ask func() (T, error)) (T, error) {
	if id == "" {
		return ask()
	}
	m.mu.RLock()
	known, ok := m.byID[id]
	m.mu.RUnlock()
	if ok && now.Before(known.until) {
		return known.value, nil
	}
	value, err := ask()
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil || len(m.byID) >= memorySize {
		m.byID = map[string]entity[T]{}
	}
	m.byID[id] = entity[T]{value, now.Add(memoryTime)}
	return value, nil
}
