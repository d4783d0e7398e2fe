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
	// overdue is when a request has its record without its line. nginx writes the line
	// as the request ends, which for a download or a WebSocket may be later.
	overdue = 5 * time.Minute
	// lost is when nobody waits for the line any more.
	lost = 24 * time.Hour
)

// inFlight are the requests that wait for their access line, by Kong's id. They are few
// and do not live long; should lines be lost, they are bounded in number and age. It is
// safe for concurrent use.
type inFlight struct {
	most int

	mu   sync.Mutex
	byID map[string]*list.Element
	// waiting and overdue are of *request, the oldest first.
	waiting, overdue list.List
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
	f.byID[r.record.Request.ID] = f.list(r).PushBack(r)
}

// list is where a request waits.
func (f *inFlight) list(r *request) *list.List {
	if r.overdue {
		return &f.overdue
	}
	return &f.waiting
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
	r := e.Value.(*request)
	f.list(r).Remove(e)
	return r
}

// due reports whether there is something to give up.
func (f *inFlight) due(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byID) > f.most || older(&f.waiting, now, overdue) || older(&f.overdue, now, lost)
}

// older reports whether the oldest has waited for as long as age.
func older(l *list.List, now time.Time, age time.Duration) bool {
	e := l.Front()
	return e != nil && now.Sub(e.Value.(*request).began) >= age
}

// takeOverdue removes the request that has waited for the longest, if that is as long as
// age, or if there are too many and none that is overdue. It returns nil if not.
func (f *inFlight) takeOverdue(now time.Time, age time.Duration) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	full := len(f.byID) > f.most && f.overdue.Len() == 0 // else one that has a record goes
	return f.removeFirst(&f.waiting, now, age, full)
}

// takeLost removes the request that was overdue first, if it has waited for as long as
// age, or if there are too many. It returns nil if not.
func (f *inFlight) takeLost(now time.Time, age time.Duration) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.removeFirst(&f.overdue, now, age, len(f.byID) > f.most)
}

func (f *inFlight) removeFirst(l *list.List, now time.Time, age time.Duration, full bool) *request {
	if l.Len() == 0 || !full && !older(l, now, age) {
		return nil
	}
	return f.remove(l.Front().Value.(*request).record.Request.ID)
}

// clear removes all.
func (f *inFlight) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.byID)
	f.waiting.Init()
	f.overdue.Init()
}

// len counts the requests.
func (f *inFlight) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byID)
}

// longer counts those that have waited for longer than age.
func (f *inFlight) longer(now time.Time, age time.Duration) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := 0
	for _, l := range []*list.List{&f.overdue, &f.waiting} {
		for e := l.Front(); e != nil && now.Sub(e.Value.(*request).began) > age; e = e.Next() {
			count++
		}
	}
	return count
}
