// Package balancer chooses the target of each request and keeps those that fail out, as
// Kong's round-robin balancer and its health checks do (kong/runloop/balancer and
// lua-resty-healthcheck).
package balancer

import (
	"sync"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Balancer is an upstream with the health of its targets.
type Balancer struct {
	upstream *config.Upstream

	mu      sync.Mutex
	targets []*target
	next    int
}

// target is where requests go while it is healthy. Its counters are of what came in a
// row: a success ends a row of failures, and a failure one of successes.
type target struct {
	*config.Target
	healthy   bool
	successes int
	failures  map[Failure]int
}

// Failure is a way in which a target fails.
type Failure int

// The ways, each counted by itself.
const (
	TCP     Failure = iota // it refused or broke the connection
	Timeout                // it did not answer in time
	HTTP                   // it answered with a status that stands for a failure
)

// New returns a balancer whose targets are healthy, or as healthy as before was to find
// them, the balancer of the same upstream in an earlier configuration or nil.
func New(u *config.Upstream, before *Balancer) *Balancer {
	b := &Balancer{upstream: u}
	for _, t := range u.Targets {
		b.targets = append(b.targets, &target{Target: t, healthy: before.healthy(t), failures: map[Failure]int{}})
	}
	return b
}

func (b *Balancer) healthy(t *config.Target) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, known := range b.targets {
		if *known.Target == *t {
			return known.healthy
		}
	}
	return true
}

// Pick returns the target of a try, nil if none is healthy.
func (b *Balancer) Pick() *config.Target {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.targets {
		t := b.targets[b.next]
		b.next = (b.next + 1) % len(b.targets)
		if t.healthy {
			return t.Target
		}
	}
	return nil
}

// Failed counts a try that got no answer.
func (b *Balancer) Failed(t *config.Target, how Failure) {
	b.count(t, &b.upstream.Healthchecks.Passive.Unhealthy, how)
}

// Answered counts the status of a response, which for a 504 is a timeout, whoever made
// it.
func (b *Balancer) Answered(t *config.Target, status int) {
	passive := &b.upstream.Healthchecks.Passive
	if status == 504 {
		b.count(t, &passive.Unhealthy, Timeout)
		return
	}
	b.status(t, passive.Healthy, &passive.Unhealthy, status)
}

func (b *Balancer) status(t *config.Target, good config.Healthy, bad *config.Unhealthy, status int) {
	switch {
	case good.Statuses.Has(status):
		b.succeeded(t, good.Successes)
	case bad.Statuses.Has(status):
		b.count(t, bad, HTTP)
	}
}

// succeeded counts a success, of which limit in a row bring a target back; 0 is never.
func (b *Balancer) succeeded(of *config.Target, limit int) {
	if limit == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.find(of); t != nil {
		clear(t.failures)
		t.successes++
		t.healthy = t.healthy || t.successes >= limit
	}
}

func (b *Balancer) count(of *config.Target, bad *config.Unhealthy, how Failure) {
	limit := map[Failure]int{TCP: bad.TCPFailures, Timeout: bad.Timeouts, HTTP: bad.HTTPFailures}[how]
	if limit == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.find(of); t != nil {
		t.successes = 0
		t.failures[how]++
		t.healthy = t.healthy && t.failures[how] < limit
	}
}

func (b *Balancer) find(of *config.Target) *target {
	for _, t := range b.targets {
		if t.Target == of {
			return t
		}
	}
	return nil
}
