package scrub

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"sync/atomic"
)

// Policies are those in use. They give one engine for text that may be under any of them,
// as nginx's log lines are: of the [Strictest], so that what one route's policy leaves
// alone stays out of everybody's lines. The zero Policy is one of them unless another is
// for all requests. The zero value is ready to use, and safe for concurrent use.
type Policies struct {
	engine atomic.Pointer[Engine] // nil: to be made anew

	mu    sync.Mutex
	inUse map[[sha256.Size]byte]*usedPolicy
}

// usedPolicy is a policy and how many use it: equal ones are one, so that what a line
// costs does not grow with the number of routes.
type usedPolicy struct {
	policy       Policy
	uses, global int // global are those of the uses that are for all requests
}

// Add puts a policy in use until remove is called, once. global says that it is for all
// requests.
func (p *Policies) Add(policy Policy, global bool) (remove func()) {
	text, _ := json.Marshal(policy) // strings, numbers and lists of them: it cannot fail
	key := sha256.Sum256(text)
	p.count(key, policy, 1, global)
	return func() { p.count(key, policy, -1, global) }
}

func (p *Policies) count(key [sha256.Size]byte, policy Policy, n int, global bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inUse == nil {
		p.inUse = map[[sha256.Size]byte]*usedPolicy{}
	}
	u := p.inUse[key]
	if u == nil {
		u = &usedPolicy{policy: policy}
		p.inUse[key] = u
	}
	before := *u
	u.uses += n
	if global {
		u.global += n
	}
	if u.uses == 0 {
		delete(p.inUse, key)
	}
	if (before.uses == 0) != (u.uses == 0) || (before.global == 0) != (u.global == 0) {
		p.engine.Store(nil)
	}
}

// Engine is the engine for the next text. The first call after a change makes it, which
// takes some 100 µs, and more where there are patterns: configurations come hundreds at
// once, and no texts between them.
func (p *Policies) Engine() *Engine {
	if e := p.engine.Load(); e != nil {
		return e
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e, err := NewStrictest(p.list()...)
	if err != nil {
		e = Dropping() // each policy was valid, so this cannot be
	}
	p.engine.Store(e)
	return e
}

// list are the policies that a text may be under.
func (p *Policies) list() []Policy {
	var list []Policy
	global := 0
	for _, u := range p.inUse {
		list = append(list, u.policy)
		global += u.global
	}
	if global == 0 {
		list = append(list, Policy{})
	}
	return list
}
