package onehop

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

const (
	// maxCalls bounds the requests that wait for their access line: 5,000 a second
	// that take 6 s each, some 50 MB.
	maxCalls = 32768
	// overdue is when a line is given up. nginx writes it as the request ends,
	// which for a download or a websocket may be later.
	overdue = 5 * time.Minute
)

// call is a request under way: what its access line does not say.
type call struct {
	config   *Config
	began    time.Time
	complete bool // Kong said all that is to be remembered
	// record has what Kong knows and nginx does not: who was asking, and which
	// route the request took. nginx's own facts are those of the beginning.
	record kongrecord.Record
	token  *identity.Token // that Kong verified, or nil
	trace  traceinject.Trace
	traced bool
	// done are the sections that a rewrite phase ran, with commas between, if it is
	// a rewrite phase that remembered the call.
	done string
}

// decide notes what a policy decided. The audit record has them by name.
func (k *call) decide(plugin, decision string) {
	decisions := append(k.decided(), kongrecord.Decision{Plugin: plugin, Word: decision})
	slices.SortFunc(decisions, func(a, b kongrecord.Decision) int { return strings.Compare(a.Plugin, b.Plugin) })
	k.record.Policies = decisions
}

// decided are the decisions noted.
func (k *call) decided() kongrecord.Decisions {
	decisions, _ := k.record.Policies.(kongrecord.Decisions)
	return decisions
}

// calls are the requests under way, by Kong's id. They are few and do not live
// long; should lines be lost, they are bounded in number and age. It is safe for
// concurrent use.
type calls struct {
	most  int
	limit time.Duration

	mu    sync.Mutex
	byID  map[string]*list.Element
	order list.List // of *call, the oldest first
}

func newCalls() *calls {
	return &calls{most: maxCalls, limit: overdue, byID: map[string]*list.Element{}}
}

// put remembers a call, in place of what an earlier phase or an earlier run of
// this one remembered.
func (c *calls) put(now *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(now.record.Request.ID)
	c.byID[now.record.Request.ID] = c.order.PushBack(now)
}

// find returns a call, nil if there is none.
func (c *calls) find(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		return e.Value.(*call)
	}
	return nil
}

// take removes a call and returns it, nil if there is none.
func (c *calls) take(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(id)
}

// remove is take with mu held.
func (c *calls) remove(id string) *call {
	e := c.byID[id]
	if e == nil {
		return nil
	}
	delete(c.byID, id)
	return c.order.Remove(e).(*call)
}

// takeOldest removes the call that has waited for the longest, if it has waited
// for too long at a time, or if there are too many. It returns nil if not.
func (c *calls) takeOldest(now time.Time) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.order.Front()
	if e == nil {
		return nil
	}
	oldest := e.Value.(*call)
	if c.order.Len() <= c.most && now.Sub(oldest.began) < c.limit {
		return nil
	}
	return c.remove(oldest.record.Request.ID)
}

func (c *calls) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
