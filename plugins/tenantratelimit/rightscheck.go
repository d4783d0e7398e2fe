package tenantratelimit

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
)

// rightsCheck asks what the user of a Redis may do below one prefix.
type rightsCheck struct {
	runtime *Runtime
	pool    *pool
	prefix  string
	task    *periodic.Task
	// replicas says that a config has wait_replicas.
	replicas atomic.Bool
	// said is what was logged last. It is the task's own.
	said string
	// lost is what does not work where nothing is counted for want of a right; else nil.
	lost atomic.Pointer[string]
}

func (r *Runtime) newRightsCheck(p *pool, prefix string) *rightsCheck {
	c := &rightsCheck{runtime: r, pool: p, prefix: prefix}
	c.task = periodic.New(watchEvery, c.look)
	return c
}

func (c *rightsCheck) start() {
	if c.pool.usable {
		c.task.Start()
	}
}

// look says in one line what the user lacks, and again when that changes.
func (c *rightsCheck) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	missing, err := rights.Probe(ctx, c.pool.client, c.prefix, c.replicas.Load())
	if err != nil {
		return // it does not answer, which is said elsewhere
	}
	c.lost.Store(nil)
	if missing.CountNothing() {
		c.lost.Store(new(fmt.Sprintf("the user %s lacks %s; %s", userOf(c.pool.url), cmp.Or(missing.Commands(), "its keys"), grant(c.pool.url, c.prefix))))
	}
	found := fmt.Sprint(missing)
	if found == c.said {
		return
	}
	if c.said = found; len(missing) == 0 {
		return
	}
	args := []any{"redis", place(c.pool.url), "user", userOf(c.pool.url), "commands", missing.Commands(), "lost", rights.Lost(missing...), "fix", grant(c.pool.url, c.prefix)}
	if missing.Keys() {
		args = append(args, "keys", c.prefix+":*")
	}
	c.runtime.logger.Warn("redis does not let its user do all that limits need", args...)
}

// watchRefusals counts what a Redis refuses to requests and to what runs beside them,
// and says it once for each command.
func (r *Runtime) watchRefusals(client redis.UniversalClient, url string) {
	at, user := place(url), userOf(url)
	var said sync.Map
	rights.Watch(client, func(refused rights.Refusal) {
		r.metrics.refused.WithLabelValues(at, refused.Command, refused.Of).Inc()
		if _, known := said.LoadOrStore(refused, true); known {
			return
		}
		r.logger.Error("redis refuses a command to its user", "redis", at, "user", user,
			"command", refused.Command, "of", refused.Of, "lost", rights.Lost(refused))
	})
}

// grant is the command that gives the user of a URL its rights.
func grant(url, prefix string) string {
	return "ACL SETUSER " + userOf(url) + " " + rights.Grant(prefix)
}

// userOf is who a URL's client is to Redis.
func userOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	user := u.User.Username()
	if q := u.Query(); q.Has("master_name") { // the user in front of the host is the Sentinels'
		user = q.Get("username")
	}
	if user == "" {
		return "default"
	}
	return user
}
