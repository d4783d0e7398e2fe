package onehop

import (
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/waiting"
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

	mu sync.Mutex
	// waiting have no record yet, and overdue have one that does not know how they ended.
	waiting, overdue waiting.List[*request]
}

func newInFlight() *inFlight { return &inFlight{most: maxInFlight} }

// put keeps a request, in place of what an earlier phase or an earlier run of this one
// kept.
func (f *inFlight) put(r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list(r).Put(r.record.Request.ID, r.began, r)
}

// list is where a request waits.
func (f *inFlight) list(r *request) *waiting.List[*request] {
	if r.overdue {
		return &f.overdue
	}
	return &f.waiting
}

// find returns a request, nil if there is none.
func (f *inFlight) find(id string) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.waiting.Find(id)
	if !ok {
		r, _ = f.overdue.Find(id)
	}
	return r
}

// take removes a request and returns it, nil if there is none.
func (f *inFlight) take(id string) *request {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.waiting.Take(id)
	if !ok {
		r, _ = f.overdue.Take(id)
	}
	return r
}

// due reports whether there is something to give up.
func (f *inFlight) due(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.full() || f.waiting.Older(now, overdue) || f.overdue.Older(now, lost)
}

func (f *inFlight) full() bool { return f.waiting.Len()+f.overdue.Len() > f.most }

// takeOverdue removes the request that has waited for the longest, if that is as long as
// age, or if there are too many and none that is overdue. It returns nil if not.
func (f *inFlight) takeOverdue(now time.Time, age time.Duration) (r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting.Older(now, age) || f.full() && f.overdue.Len() == 0 {
		r, _ = f.waiting.TakeOldest()
	}
	return r
}

// takeLost removes the request that has been overdue for the longest, if it has waited
// for as long as age, or if there are too many. It returns nil if not.
func (f *inFlight) takeLost(now time.Time, age time.Duration) (r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.overdue.Older(now, age) || f.full() {
		r, _ = f.overdue.TakeOldest()
	}
	return r
}

// clear removes all.
func (f *inFlight) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting.Clear()
	f.overdue.Clear()
}

// len counts the requests.
func (f *inFlight) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting.Len() + f.overdue.Len()
}

// longer counts those that have waited for as long as age.
func (f *inFlight) longer(now time.Time, age time.Duration) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting.CountOlder(now, age) + f.overdue.CountOlder(now, age)
}
