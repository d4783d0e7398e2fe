package eviction

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, info string
		want       State
	}{
		{"no bound", "maxmemory:0\nmaxmemory_policy:allkeys-lru\nevicted_keys:0", State{}},
		{"none evicted", "maxmemory:100\nmaxmemory_policy:noeviction\nevicted_keys:0", State{}},
		{"any key", "maxmemory:100\nmaxmemory_policy:allkeys-lru\nevicted_keys:7", State{Policy: "allkeys-lru", Evicted: 7}},
		{"keys with a time to live", "maxmemory:100\nmaxmemory_policy:volatile-ttl", State{Policy: "volatile-ttl"}},
		{"nothing said", "", State{}},
		{"no numbers", "maxmemory:much\nevicted_keys:many\nmaxmemory_policy:allkeys-lru", State{}},
	} {
		if got := read(redisurl.ParseInfo(tt.info)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	one := redistest.Client(t, redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"))
	nodes := redistest.Cluster(t, 3)
	if err := nodes[2].Client().ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lfu").Err(); err != nil {
		t.Fatal(err)
	}
	if err := nodes[2].Client().ConfigSet(t.Context(), "maxmemory", "100mb").Err(); err != nil {
		t.Fatal(err)
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].Addr}, Protocol: 2})
	defer cluster.Close()
	for want, client := range map[string]redis.UniversalClient{"volatile-lru": one, "allkeys-lfu": cluster} {
		if got, err := Ask(t.Context(), client); err != nil || got.Policy != want {
			t.Errorf("%+v, %v, want the policy %s", got, err, want)
		}
	}
	if _, err := Ask(t.Context(), redistest.Client(t, "redis://127.0.0.1:1")); err == nil {
		t.Error("nobody answers")
	}
}
