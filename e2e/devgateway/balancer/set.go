package balancer

import (
	"context"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Set are the balancers of a configuration, by their upstream's name.
type Set struct {
	byName map[string]*Balancer
	stop   context.CancelFunc
}

// NewSet returns the balancers of the upstreams, which check until Stop. They take the
// health of targets over from before, which may be nil.
func NewSet(upstreams []*config.Upstream, before *Set) *Set {
	ctx, stop := context.WithCancel(context.Background())
	s := &Set{byName: map[string]*Balancer{}, stop: stop}
	for _, u := range upstreams {
		b := New(u, before.Of(u.Name))
		s.byName[u.Name] = b
		go b.Check(ctx, b.Ask)
	}
	return s
}

// Of returns the balancer of an upstream, or nil.
func (s *Set) Of(upstream string) *Balancer {
	if s == nil {
		return nil
	}
	return s.byName[upstream]
}

// Stop ends the checks. Requests under way may go on to use the balancers.
func (s *Set) Stop() {
	if s != nil {
		s.stop()
	}
}
