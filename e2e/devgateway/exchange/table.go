package exchange

import "sync"

// Table is a table of a request that outlives it: log events, which run side by
// side here, read and write it. Values are those of encoding/json.
type Table struct {
	mu sync.Mutex
	m  map[string]any
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{m: map[string]any{}} }

// Get returns a value, or nil.
func (t *Table) Get(key string) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[key]
}

// Set sets a value; nil removes it.
func (t *Table) Set(key string, value any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if value == nil {
		delete(t.m, key)
		return
	}
	t.m[key] = value
}
