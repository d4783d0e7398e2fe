package kongrequest

import (
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/expiring"
)

const (
	// memoryTime is how long an entity of Kong's may be out of date. Kong's own
	// workers take about as long to agree on a new config.
	memoryTime = time.Second
	// memorySize bounds the entities of a kind.
	memorySize = 4096
)

// memory holds Kong's entities of one kind, so that a busy one is not asked for
// with every request. It is safe for concurrent use, and the zero value is empty.
type memory[T any] struct {
	once sync.Once
	byID *expiring.Cache[string, *T]
}

// get returns what was remembered, or asks and remembers that. What has no id is asked
// for each time.
func (m *memory[T]) get(id string, now time.Time, ask func() (T, error)) (T, error) {
	if id == "" {
		return ask()
	}
	m.once.Do(func() { m.byID = expiring.New[string, *T](memorySize) })
	if known, ok := m.byID.Get(id, now); ok {
		return *known, nil
	}
	value, err := ask()
	if err == nil {
		m.byID.Put(id, &value, now.Add(memoryTime))
	}
	return value, err
}
