package tenantratelimit

import (
	"context"
	"log/slog"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

const fourLimits = `{"limits":[
	{"name":"t","scope":["tenant"],"limit":1000000000,"window_seconds":60},
	{"name":"u","scope":["user"],"limit":1000000000,"window_seconds":1},
	{"name":"w","scope":["tenant","route"],"limit":1000000000,"window_seconds":60,"algorithm":"sliding_window"},
	{"name":"d","scope":["tenant"],"limit":1000000000,"window_seconds":86400,"algorithm":"fixed_window"}]}`

// BenchmarkDecide is this plugin's own time for four limits, without Redis.
func BenchmarkDecide(b *testing.B) {
	c, _ := withFake(b, &fakeRedis{}, fourLimits)
	req := user("acme", "alice")
	b.ReportAllocs()
	for b.Loop() {
		c.Limiter().Decide(context.Background(), req)
	}
}

// BenchmarkRedis is a decision on four limits with a real Redis, next to what
// a PING to the same Redis takes.
func BenchmarkRedis(b *testing.B) {
	url := redistest.Start(b)
	b.Run("decide", func(b *testing.B) {
		r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = r.Close(context.Background()) }()
		c := mustProvision(b, r, fourLimits)
		req := user("acme", "alice")
		for b.Loop() {
			c.Limiter().Decide(context.Background(), req)
		}
	})
	b.Run("ping", func(b *testing.B) {
		client := redistest.Client(b, url)
		for b.Loop() {
			client.Ping(context.Background())
		}
	})
}
