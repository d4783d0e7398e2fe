package piilogscrub

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// lines is the policy for text that belongs to no configuration, as nginx's lines do: a
// line may be of a request under any of them. It is the strictest of all that are in
// use, so that what one route's configuration leaves alone stays out of everybody's
// lines. The default policy is one of them, unless there is a configuration for all
// requests. It is safe for concurrent use.
type lines struct {
	engine atomic.Pointer[scrub.Engine] // nil: to be made anew

	mu    sync.Mutex
	inUse map[[sha256.Size]byte]*used
}

// used is a policy, of as many configurations as have it: equal ones are one, so that
// what a line costs does not grow with the number of routes.
type used struct {
	policy          scrub.Policy
	configs, global int // global are those of the configs that are for all requests
}

func newLines() *lines { return &lines{inUse: map[[sha256.Size]byte]*used{}} }

// add counts a configuration's policy in, until remove is called, once.
func (l *lines) add(p scrub.Policy, global bool) (remove func()) {
	text, _ := json.Marshal(p) // texts and numbers
	key := sha256.Sum256(text)
	l.count(key, p, 1, global)
	return func() { l.count(key, p, -1, global) }
}

func (l *lines) count(key [sha256.Size]byte, p scrub.Policy, n int, global bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.inUse[key]
	if u == nil {
		u = &used{policy: p}
		l.inUse[key] = u
	}
	before := *u
	u.configs += n
	if global {
		u.global += n
	}
	if u.configs == 0 {
		delete(l.inUse, key)
	}
	if (before.configs == 0) != (u.configs == 0) || (before.global == 0) != (u.global == 0) {
		l.engine.Store(nil)
	}
}

// current is the engine for the next line. The first line after a change waits for it
// to be made, some 100 µs and more where there are patterns: configurations come
// hundreds at once, and lines between them do not.
func (l *lines) current() *scrub.Engine {
	if e := l.engine.Load(); e != nil {
		return e
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, err := scrub.NewStrictest(l.policies()...)
	if err != nil {
		e = scrub.Dropping() // each was found good: it cannot be
	}
	l.engine.Store(e)
	return e
}

// policies are those that a line may be under.
func (l *lines) policies() []scrub.Policy {
	var list []scrub.Policy
	global := 0
	for _, u := range l.inUse {
		list = append(list, u.policy)
		global += u.global
	}
	if global == 0 {
		list = append(list, scrub.Policy{})
	}
	return list
}
