package limiter

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

// says is an answer of Redis' that is an error.
type says string

func (s says) Error() string { return string(s) }
func (says) RedisError()     {}

// Whatever a server that is well says in place of a decision, it is asked again with the
// next request. A server that fails is given up on.
func TestWordsOpenNoBreaker(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answer  error
		want    Word
		givenUp bool
	}{
		{"moved", says("MOVED 3999 127.0.0.1:6381"), Moved, false},
		{"ask", says("ASK 3999 127.0.0.1:6381"), Ask, false},
		{"split keys", says("TRYAGAIN Multiple keys request during rehashing of slot"), TryAgain, false},
		{"no server for the slot", says("CLUSTERDOWN Hash slot not served"), ClusterDown, false},
		{"cluster is down", says("CLUSTERDOWN The cluster is down"), ClusterDown, false},
		{"loading", says("LOADING Redis is loading the dataset in memory"), Loading, false},
		{"no master", says("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), MasterDown, false},
		{"replica", says("READONLY You can't write against a read only replica."), ReadOnly, false},
		{"replica, by the script", says("ERR Error running script (call to f_1): @user_script:9: -READONLY You can't write against a read only replica."), ReadOnly, false},
		{"full", says("OOM command not allowed when used memory > 'maxmemory'."), "", true},
		{"no connection", errDown, "", true},
		{"the word in another place", says("ERR MOVEDX"), "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var asked, tripped, said atomic.Int64
				client := redistest.Client(t, "redis://127.0.0.1:1")
				client.AddHook(played(func(_ context.Context, cmd redis.Cmder) error {
					asked.Add(1)
					cmd.SetErr(tt.answer)
					return tt.answer
				}))
				store := NewRedis(client, RedisOptions{
					Tripped: func(string, error) { tripped.Add(1) },
					Said: func(_ string, w Word, _ error) {
						if w != tt.want {
							t.Errorf("the word is %s, want %s", w, tt.want)
						}
						said.Add(1)
					},
				})
				defer store.Close()
				const requests = 4 * breakerFailures
				l := mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 5, Window: time.Hour})
				for range requests {
					if _, err := takeWithin(t, store, l, time.Second); err == nil {
						t.Fatal("a request is decided")
					}
				}
				want := [3]int64{requests, 0, requests}
				if tt.givenUp {
					want = [3]int64{breakerFailures, 1, 0}
				}
				if got := [3]int64{asked.Load(), tripped.Load(), said.Load()}; got != want {
					t.Errorf("asked, given up on, said: %v, want %v", got, want)
				}
			})
		})
	}
}
