package tenantratelimit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// This file says which Redis cannot be counted in now, for those who ask how the process is.
// It asks no Redis: requests and [Runtime.Watch] have.

// failing are the servers that requests have given up on, and why. The zero value is ready.
type failing struct {
	mu  sync.Mutex
	why map[failed]error
}

// failed is a server, and the URL that led to it.
type failed struct{ url, place string }

func (f *failing) add(url, place string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		f.why = map[failed]error{}
	}
	f.why[failed{url, place}] = err
}

func (f *failing) remove(url, place string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.why, failed{url, place})
}

// of are the servers of a URL, with the errors.
func (f *failing) of(url string) map[string]error {
	f.mu.Lock()
	defer f.mu.Unlock()
	servers := map[string]error{}
	for at, err := range f.why {
		if at.url == url {
			servers[at.place] = err
		}
	}
	return servers
}

// use counts a config that begins or ends to count in a pool, by its on_redis_error.
func (r *Runtime) use(p *pool, onError string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.uses[onError] += n; p.uses[onError] == 0 {
		delete(p.uses, onError)
	}
}

// Troubles has a line for each Redis that cannot be counted in now: what becomes of requests,
// as the configs in use say, and why. It waits for nothing.
func (r *Runtime) Troubles() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for url, p := range r.pools {
		for place, why := range r.troublesOf(p) {
			lines = append(lines, strings.ReplaceAll(fmt.Sprintf("without redis: %s: %s: %s: %s", Name, cmp.Or(place, "redis"), p.instead(), why), "\n", "; "))
		}
		if url == "" && len(p.uses) > 0 {
			lines = append(lines, fmt.Sprintf("without redis: %s: none is named, or none that can be used: %s", Name, p.instead()))
		}
	}
	slices.Sort(lines)
	return lines
}

// troublesOf is why a Redis cannot be counted in, by the server. The caller holds r.mu.
func (r *Runtime) troublesOf(p *pool) map[string]string {
	why := map[string]string{}
	if !p.usable {
		return why
	}
	if away := p.health.absent(); away != nil {
		why[place(p.url)] = explained(away.err, away.likely)
	}
	for key, d := range r.deployments {
		if lost := d.rights.lost.Load(); lost != nil && key.url == p.url {
			why[place(p.url)] = *lost
		}
	}
	for server, err := range r.failing.of(p.url) {
		why[server] = explained(err, redisurl.Explain(p.url, err))
	}
	return why
}

func explained(err error, likely string) string {
	if likely == "" {
		return err.Error()
	}
	return err.Error() + "; " + likely
}

// instead is what becomes of requests without the Redis. The caller holds the runtime's mutex.
func (p *pool) instead() string {
	if len(p.uses) == 0 {
		return "no config counts there yet"
	}
	var list []string
	for _, onError := range slices.Sorted(maps.Keys(p.uses)) {
		list = append(list, fmt.Sprintf("%s (on_redis_error: %s)", withoutRedis[onError], onError))
	}
	return strings.Join(list, ", or ")
}
