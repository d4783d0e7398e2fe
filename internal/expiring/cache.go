// Package expiring remembers values for a time, and no more than so many of them.
package expiring

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache is safe for concurrent use, and its clock is the caller's.
//
// Reading does not change which value goes next, so readers wait for writers only. Where
// the cache is full, a new value takes the place of the one that was put first: where all
// last equally long, that is the first to be over.
//
// Get copies a value several times, so large ones are better pointers.
type Cache[K comparable, V any] struct {
	// Not golang-lru's own expirable package: each of its caches has a goroutine that
	// never ends.
	entries *lru.Cache[K, entry[V]]
}

type entry[V any] struct {
	value V
	until time.Time
}

// New remembers at most size values; a size below 1 is 1. A value that is over keeps its
// memory until others replace it.
func New[K comparable, V any](size int) *Cache[K, V] {
	entries, _ := lru.New[K, entry[V]](max(size, 1)) // the one error is about a size below 1
	return &Cache[K, V]{entries}
}

// Get returns the value of key, if that is known and not over at now.
func (c *Cache[K, V]) Get(key K, now time.Time) (value V, ok bool) {
	e, ok := c.entries.Peek(key)
	if !ok || !now.Before(e.until) {
		return value, false
	}
	return e.value, true
}

// Put remembers the value of key before until, in place of an earlier one.
func (c *Cache[K, V]) Put(key K, value V, until time.Time) {
	c.entries.Add(key, entry[V]{value, until})
}
