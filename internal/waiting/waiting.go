// Package waiting keeps what waits for something by its id, and says what has waited for
// the longest.
package waiting

import (
	"container/list"
	"time"
)

// List is of things that are put in the order of their time. The zero value is ready to
// use. It is not safe for concurrent use.
type List[T any] struct {
	byID  map[string]*list.Element
	order list.List // of item, the oldest first
}

type item[T any] struct {
	id    string
	since time.Time
	value T
}

// Put adds a value, in place of an earlier one of that id.
func (l *List[T]) Put(id string, since time.Time, value T) {
	if l.byID == nil {
		l.byID = map[string]*list.Element{}
	}
	l.Take(id)
	l.byID[id] = l.order.PushBack(item[T]{id, since, value})
}

// Find returns the value of an id.
func (l *List[T]) Find(id string) (value T, ok bool) {
	e, ok := l.byID[id]
	if ok {
		value = e.Value.(item[T]).value
	}
	return value, ok
}

// Take removes the value of an id and returns it.
func (l *List[T]) Take(id string) (value T, ok bool) {
	e, ok := l.byID[id]
	if ok {
		delete(l.byID, id)
		value = l.order.Remove(e).(item[T]).value
	}
	return value, ok
}

// Older reports whether the oldest value has waited for as long as age.
func (l *List[T]) Older(now time.Time, age time.Duration) bool {
	e := l.order.Front()
	return e != nil && now.Sub(e.Value.(item[T]).since) >= age
}

// TakeOldest removes the oldest value and returns it.
func (l *List[T]) TakeOldest() (value T, ok bool) {
	e := l.order.Front()
	if e == nil {
		return value, false
	}
	return l.Take(e.Value.(item[T]).id)
}

// CountOlder counts the values that have waited for as long as age.
func (l *List[T]) CountOlder(now time.Time, age time.Duration) (n int) {
	for e := l.order.Front(); e != nil && now.Sub(e.Value.(item[T]).since) >= age; e = e.Next() {
		n++
	}
	return n
}

// Len counts the values.
func (l *List[T]) Len() int { return len(l.byID) }

// Clear removes all.
func (l *List[T]) Clear() {
	clear(l.byID)
	l.order.Init()
}
