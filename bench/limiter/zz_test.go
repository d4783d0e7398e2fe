package limiter

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"
	"sync/atomic"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

func BenchmarkT(b *testing.B) {
	cmd := exec.Command("redis-server", "--port", "7398", "--save", "")
	cmd.Start()
	defer cmd.Process.Kill()
	time.Sleep(300 * time.Millisecond)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:7398", Protocol: 2})
	store := limiter.NewRedis(client, limiter.RedisOptions{})
	var lims []*limiter.Limit
	for i := range 4 {
		l, err := limiter.Compile(limiter.Spec{Name: fmt.Sprint("l", i), Algorithm: limiter.TokenBucket, Quota: 1e9, Window: time.Minute})
		if err != nil { b.Fatal(err) }
		lims = append(lims, l)
	}
	var n atomic.Int64
	for _, par := range []int{16, 64} {
	b.Run(fmt.Sprint("ours", par), func(b *testing.B) {
		b.SetParallelism(par/2)
		b.RunParallel(func(pb *testing.PB) {
			u := fmt.Sprint(n.Add(1)%50)
			for pb.Next() {
				levels := make([]limiter.Level, 4)
				for i := range levels { levels[i] = limiter.Level{Limit: lims[i], Key: "gh:{t." + u + "}:x:" + lims[i].Name, Cost: 1} }
				if _, err := store.Take(context.Background(), limiter.Ask{Levels: levels}); err != nil { b.Fatal(err) }
			}
		})
	})
	rl := redis_rate.NewLimiter(client)
	b.Run(fmt.Sprint("rr", par), func(b *testing.B) {
		b.SetParallelism(par/2)
		b.RunParallel(func(pb *testing.PB) {
			u := fmt.Sprint(n.Add(1)%50)
			for pb.Next() {
				for i := range 4 {
					if _, err := rl.Allow(context.Background(), "gh:{t." + u + "}:x:" + lims[i].Name, redis_rate.PerMinute(1e9)); err != nil { b.Fatal(err) }
				}
			}
		})
	})
	}
	b.Run("ping", func(b *testing.B) { for b.Loop() { client.Ping(context.Background()) } })
}
