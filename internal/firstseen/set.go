// Package firstseen keeps the first few of many: a metrics server can bear a series for
// each of some hundred tenants, and not for all of them, whoever they are.
package firstseen

import "sync"

// Set holds the first keys that were added, up to a bound. It is safe for concurrent
// use.
type Set[K comparable] struct {
	most int

	mu   sync.RWMutex
	keys map[K]struct{}
}

// NewSet makes a set of at most so many keys.
func NewSet[K comparable](most int) *Set[K] { return &Set[K]{most: most, keys: map[K]struct{}{}} }

// Add adds a key, and reports whether the set has it: it has not where it was full
// before the key first came.
func (s *Set[K]) Add(key K) bool {
	s.mu.RLock()
	_, known := s.keys[key]
	full := len(s.keys) >= s.most
	s.mu.RUnlock()
	if known || full {
		return known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) < s.most {
		s.keys[key] = struct{}{}
	}
	_, known = s.keys[key]
	return known
}
