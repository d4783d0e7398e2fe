package tenantratelimit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// redisGone is about a server of a Cluster that has no slots any more: nothing is left to
// be said of it.
func (r *Runtime) redisGone(place string) {
	r.metrics.open.DeleteLabelValues(place)
	r.metrics.words.DeletePartialMatch(prometheus.Labels{"redis": place})
	r.said.forget(place)
	r.logger.Info("redis has no slots any more; its limits are shared through the servers that have them now", "redis", place)
}

// redisSaid is about an answer that is a word in place of decisions.
func (r *Runtime) redisSaid(place string, word limiter.Word, err error) {
	r.metrics.words.WithLabelValues(place, string(word)).Inc()
	if r.said.isNews(place, word, r.options.Now()) {
		m := meanings[word]
		r.logger.Log(context.Background(), m.level, m.text, "redis", place, "word", string(word), "error", err)
	}
}

// meanings are what words mean for limits. Those that cost no decision are no warnings.
var meanings = map[limiter.Word]struct {
	level slog.Level
	text  string
}{
	limiter.Moved:       {slog.LevelInfo, "slots of this redis have moved; requests follow them"},
	limiter.Ask:         {slog.LevelInfo, "a slot of this redis is on its way to another; its keys are asked one by one"},
	limiter.TryAgain:    {slog.LevelInfo, "the keys of a slot are partly on this redis and partly on another; they are asked one by one"},
	limiter.ClusterDown: {slog.LevelWarn, "the redis cluster has no server for these slots; limits fall back to what on_redis_error says"},
	limiter.Loading:     {slog.LevelWarn, "redis is loading its data; limits fall back to what on_redis_error says"},
	limiter.MasterDown:  {slog.LevelWarn, "redis is a replica that has lost its master; limits fall back to what on_redis_error says"},
	limiter.ReadOnly:    {slog.LevelWarn, "redis is a replica, which takes no writes; limits fall back to what on_redis_error says"},
}

// quietTime is how long a word of a server is not logged again.
const quietTime = time.Minute

// lastSaid is when each word of each server was logged. The zero value is ready.
type lastSaid struct {
	mu sync.Mutex
	at map[string]map[limiter.Word]time.Time
}

func (s *lastSaid) isNews(place string, word limiter.Word, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]map[limiter.Word]time.Time{}
	}
	if s.at[place] == nil {
		s.at[place] = map[limiter.Word]time.Time{}
	}
	at, known := s.at[place][word]
	if known && now.Sub(at) < quietTime {
		return false
	}
	s.at[place][word] = now
	return true
}

func (s *lastSaid) forget(place string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, place)
}
