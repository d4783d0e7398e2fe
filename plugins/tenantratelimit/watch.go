package tenantratelimit

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/periodic"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/eviction"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"
)

// This file says what an operator has to know of a Redis and mend there: that it cannot
// be used as its URL says, that it refuses commands, that it throws counters away, that it
// has overrides of limits which nobody has. No decision depends on it.

const (
	// watchEvery is how often a Redis is looked at, and watchTimeout how long that may
	// take, each of its parts.
	watchEvery   = time.Minute
	watchTimeout = 2 * time.Second
)

// Watch begins to look at the Redis of Options.RedisURL, at those of all configs, and at
// those that later configs bring, at once and then every minute, and logs what an
// operator has to mend. It is called after TakeOver. Without it, what Redis refuses to
// do for a request is logged all the same.
func (r *Runtime) Watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching = true
	if url := r.options.RedisURL; url != "" {
		if _, err := r.pool(url); err != nil {
			r.logger.Warn(cannotUse, "redis", "REDIS_URL", "error", err)
		}
	}
	r.misnamed.Start()
	for _, p := range r.pools {
		p.health.start()
	}
	for _, d := range r.deployments {
		d.rights.start()
	}
}

const cannotUse = "redis cannot be used: until it can, limits are what on_redis_error says"

// health looks at one Redis.
type health struct {
	runtime *Runtime
	pool    *pool
	task    *periodic.Task
	// The task's own: whether the Redis was reached, and that it was not was said;
	// the policy and the evicted keys that were said last.
	reached, unreachable bool
	known                eviction.State
	// away is why the last look did not reach the Redis; nil if it did.
	away atomic.Pointer[absence]
}

// absence is why a Redis was not reached, and how many batches it had answered before.
type absence struct {
	err     error
	likely  string
	answers uint64
}

// newHealth starts at once where the runtime watches. The caller holds r.mu.
func (r *Runtime) newHealth(p *pool) *health {
	h := &health{runtime: r, pool: p}
	h.task = periodic.New(watchEvery, h.look)
	if r.watching {
		h.start()
	}
	return h
}

func (h *health) start() {
	if h.pool.usable {
		h.task.Start()
	}
}

func (h *health) look(ctx context.Context) {
	answers, err := h.pool.store.Answers(), error(nil)
	if !h.reached {
		err = h.reach(ctx)
		h.reached = err == nil
	}
	if h.reached {
		err = silence(h.lookAtMemory(ctx))
	}
	switch {
	case ctx.Err() != nil: // it is told to stop
	case err == nil:
		h.away.Store(nil)
	default:
		h.away.Store(&absence{err, redisurl.ExplainFirst(h.pool.url, err), answers})
	}
}

// silence is the error of a Redis that did not answer, or lets nobody in. One that answers
// otherwise is there.
func silence(err error) error {
	var said redis.Error
	if errors.As(err, &said) && !redis.HasErrorPrefix(err, "NOAUTH") && !redis.HasErrorPrefix(err, "WRONGPASS") {
		return nil
	}
	return err
}

// absent is why the Redis is out of reach, as far as is known; nil if it is not, or has
// answered a request since that was looked at.
func (h *health) absent() *absence {
	away := h.away.Load()
	if away == nil || away.answers != h.pool.store.Answers() {
		return nil
	}
	return away
}

// reach says once that a Redis cannot be used from the start; later failures the
// limiter tells.
func (h *health) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	err := redisurl.Try(ctx, h.pool.url)
	if err != nil && !h.unreachable {
		h.unreachable = true
		h.runtime.logger.Warn(cannotUse, because(err, redisurl.ExplainFirst(h.pool.url, err), "redis", place(h.pool.url))...)
	}
	return err
}

func (h *health) lookAtMemory(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	now, err := eviction.Ask(rights.Unwatched(ctx), h.pool.client)
	if err != nil {
		return err // that the user may not ask is in the line about its rights
	}
	at := place(h.pool.url)
	gauge := h.runtime.metrics.mayEvict.WithLabelValues(at)
	gauge.Set(0)
	if now.Policy != "" {
		gauge.Set(1)
	}
	if now.Policy != "" && now.Policy != h.known.Policy {
		h.runtime.logger.Warn("redis throws counters away when its memory is full, and limits then admit more; give it memory, and CONFIG SET maxmemory-policy noeviction",
			"redis", cmp.Or(now.Addr, at), "maxmemory_policy", now.Policy)
	}
	if evicted := now.Evicted - h.known.Evicted; evicted > 0 && now.Policy != "" {
		h.runtime.logger.Warn("redis has thrown keys away, counters perhaps among them", "redis", at, "evicted_keys", evicted)
	}
	h.known = now
	return nil
}

// lookAtOverrides says which overrides name a limit that no config of this process has.
func (r *Runtime) lookAtOverrides(context.Context) {
	for _, m := range r.overrides.Misnamed() {
		near := spelling.Nearest(m.Name, m.Limits, spelling.AnyNumber)
		args := []any{"key", m.Key, "name", m.Name, "limits", strings.Join(m.Limits, " ")}
		if near != "" {
			args = append(args, "likely", near)
		}
		r.logger.Warn("overrides name a limit that no config in use here has, and nothing comes of that; write the name of one that is there", args...)
	}
}

// because adds an error to a log line's arguments, and what explains it.
func because(err error, likely string, args ...any) []any {
	args = append(args, "error", err)
	if likely != "" {
		args = append(args, "likely", likely)
	}
	return args
}
