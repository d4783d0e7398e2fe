package redisscript

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// TestPipeline: a script is sent to a server that does not have it, each run is made
// once, and those that fail are told.
func TestPipeline(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redistest.Client(t, "redis://"+server.Addr())
	script := redis.NewScript(`return redis.call('INCRBY', KEYS[1], ARGV[1])`)
	add := func(key string, n any) *Run { return &Run{Keys: []string{key}, Args: []any{n}} }
	for range 2 { // without the script, and with it
		bad := add("b", "no number")
		undone, err := Pipeline(t.Context(), client, script, []*Run{add("a", 1), bad, add("a", 2)})
		if err == nil || len(undone) != 1 || undone[0] != bad {
			t.Errorf("undone %v, error %v; want the second alone", undone, err)
		}
	}
	if got, _ := server.Get("a"); got != "6" {
		t.Errorf("counted %s, want 6", got)
	}
	server.Close()
	if undone, err := Pipeline(t.Context(), client, script, []*Run{add("a", 1)}); err == nil || len(undone) != 1 {
		t.Errorf("without a server: undone %v, error %v", undone, err)
	}
}
