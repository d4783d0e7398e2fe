package tenantratelimit

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// Every word has a line of its own, once a minute for each server, and nothing is left of
// a server that has no slots any more.
func TestWhatIsSaidOfServers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	registry := prometheus.NewPedanticRegistry()
	r, err := NewRuntime(Options{Registerer: registry, Logger: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	lines := func(s string) int { return strings.Count(log.String(), s) }
	refusal := errors.New("as Redis says it")
	for range 2 { // minutes
		for range 3 {
			for word := range meanings {
				r.redisSaid("one:6379", word, refusal)
			}
			r.redisSaid("two:6379", limiter.Loading, refusal)
		}
		now = now.Add(quietTime)
	}
	for word, m := range meanings {
		if n := lines(m.text + `" plugin=tenant-rate-limit redis=one:6379 word=` + string(word) + " "); n != 2 {
			t.Errorf("%s: %d lines in two minutes, want 2", word, n)
		}
	}
	if n := testutil.ToFloat64(r.metrics.words.WithLabelValues("one:6379", "TRYAGAIN")); n != 6 {
		t.Errorf("counted %v times, want 6", n)
	}

	r.metrics.open.WithLabelValues("one:6379").Set(1)
	r.redisGone("one:6379")
	if n := lines("redis has no slots any more"); n != 1 {
		t.Errorf("%d lines say that a server has no slots any more, want 1", n)
	}
	if n := testutil.CollectAndCount(r.metrics.open); n != 0 {
		t.Errorf("%d gauges of servers that are gone", n)
	}
	if n := testutil.CollectAndCount(r.metrics.words); n != 1 {
		t.Errorf("%d words are counted, want that of the other server alone", n)
	}
}
