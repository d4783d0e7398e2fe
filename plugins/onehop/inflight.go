package onehop

import (
	"container/list"
	"sync"
	"time"
)

const (
	// maxInFlight bounds the requests that wait for their access line: 5,000 a second
	// that take 6 s each, some 50 MB.
	maxInFlight = 32768
	// overdue is when a line is given up. nginx writes it as the request ends,
	// which for a download or a websocket may be later.
	overdue = 5 * time.Minute
)

// inFlight are the requests that wait for their access line, by Kong's id. They are few
// and do not live long; should lines be lost, they are bounded in number and age. It is
// safe for concurrent use.
type inFlight struct {
	most int

	mu    sync.Mutex
	byID  map[string]*list.Element
	order list.List // of *request, the oldest first
}

func newInFlight() *inFlight {
	return &inFlight{most: maxInFlight, byID: map[string]*list.Element{}}
}

// put keeps a request, in place of what an earlier phase or an earlier run of this one
// kept.
func (f *inFlight) put(r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(r.record.Request.ID)
	f.byID[r.record.Request.ID] = f.order.PushBack(r)
}

// find returns a request, nil if there is none.
func (f *inFlight) find(id string) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.byID[id]; e != nil {
		return e.Value.(*request)
	}
	return nil
}

// take removes a request and returns it, nil if there is none.
func (f *inFlight) take(id string) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remove(id)
}

// remove is take with mu held.
func (f *inFlight) remove(id string) *request {
	e := f.byID[id]
	if e == nil {
		return nil
	}
	delete(f.byID, id)
	return f.order.Remove(e).(*request)
}

// takeOldest removes the request that has waited for the longest, if it has waited
// for as long as age at a time, or if there are too many. It returns nil if not.
func (f *inFlight) takeOldest(now time.Time, age time.Duration) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.order.Front()
	if e == nil {
		return nil
	}
	oldest := e.Value.(*request)
	if f.order.Len() <= f.most && now.Sub(oldest.began) < age {
		return nil
	}
	return f.remove(oldest.record.Request.ID)
}

func (f *inFlight) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.order.Len()
}
