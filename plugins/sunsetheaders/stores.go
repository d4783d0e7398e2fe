package sunsetheaders

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
)

// stores are where it is kept who calls, each by its URL and key prefix: what they hold
// outlives a reload of Kong's config.
type stores struct {
	url  string // of configs that name none
	open func(url string) (redis.UniversalClient, error)

	mu      sync.Mutex
	byPlace map[Redis]*store
}

type store struct {
	client   redis.UniversalClient
	recorder *callers.Recorder
}

var errNoRedis = errors.New("redis.url: empty, and there is no REDIS_URL; write redis://host:6379/0, or observe: false")

// recorder finds or makes that of a Redis, without connecting. Errors do not show the URL,
// which may hold a password.
func (r *Runtime) recorder(at Redis) (*callers.Recorder, error) {
	field := "redis.url"
	if at.URL == "" {
		at.URL, field = r.stores.url, "REDIS_URL"
	}
	if at.URL == "" {
		return nil, errNoRedis
	}
	r.stores.mu.Lock()
	defer r.stores.mu.Unlock()
	if s := r.stores.byPlace[at]; s != nil {
		return s.recorder, nil
	}
	client, err := r.stores.open(at.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	recorder := callers.NewRecorder(client, at.KeyPrefix)
	recorder.Lost = func(calls int64) { r.lost.Add(float64(calls)) }
	recorder.Said = r.say
	r.stores.byPlace[at] = &store{client, recorder}
	return recorder, nil
}

// say tells of a Redis that does not take who calls, once until it does again.
func (r *Runtime) say(err error) {
	if err != nil {
		r.logger.Error("who calls is not recorded; it is kept here meanwhile, as far as there is room", "plugin", Name, "error", err)
		return
	}
	r.logger.Info("who calls is recorded again", "plugin", Name)
}

func (s *stores) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, at := range s.byPlace {
		errs = append(errs, at.recorder.Close(ctx), at.client.Close())
	}
	return errors.Join(errs...)
}
