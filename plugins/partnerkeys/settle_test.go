package partnerkeys_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// cluster is nodes that write every ten seconds what they took some time before, and what
// they took before that.
type cluster struct {
	began time.Time
	slow  time.Duration // between taking what was seen, and having written it
	nodes map[string]node
}

type node struct {
	first  time.Duration // when it first takes
	ends   time.Duration // when it ends in order, zero for never
	silent time.Duration // from when on it writes nothing, zero for never
}

// read is what Redis has now of a key that was used on all of them at the beginning.
func (c cluster) read(context.Context) partnerkeys.Usage {
	u := partnerkeys.Usage{LastSeen: usage.LastSeen{Credentials: map[usage.Credential]time.Time{}, Nodes: map[string]time.Time{}}}
	for name, n := range c.nodes {
		for at := n.first - 20*time.Second; at+c.slow <= time.Since(c.began) && (n.silent == 0 || at < n.silent); at += 10 * time.Second {
			u.Nodes[name] = c.began.Add(at)
			if at >= 0 {
				u.Credentials[usage.Credential{ID: "k", Consumer: name}] = c.began
			}
		}
		if n.ends > 0 && time.Since(c.began) >= n.ends {
			delete(u.Nodes, name)
		}
	}
	return u
}

// What was used just before is known when Settle is done, even where a node was in the
// middle of a write.
func TestSettle(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		slow     time.Duration
		nodes    map[string]node
		from, to time.Duration // how long it may take
		doubt    string
		seen     int
	}{
		"at once":               {0, map[string]node{"a": {first: 9 * time.Second}}, 19 * time.Second, 20 * time.Second, "", 1},
		"in the middle":         {2 * time.Second, map[string]node{"a": {first: 9 * time.Second}}, 11 * time.Second, 12 * time.Second, "", 1},
		"two nodes":             {0, map[string]node{"a": {first: time.Second}, "b": {first: 8 * time.Second}}, 18 * time.Second, 19 * time.Second, "", 2},
		"one goes silent":       {0, map[string]node{"a": {first: time.Second}, "b": {first: 8 * time.Second, silent: 9 * time.Second}}, partnerkeys.MaxSettle, partnerkeys.MaxSettle + time.Second, "the node b has not written again", 2},
		"one ends":              {0, map[string]node{"a": {first: time.Second}, "b": {first: 8 * time.Second, ends: 9 * time.Second}}, 11 * time.Second, 12 * time.Second, "", 2},
		"nobody writes, anyway": {0, nil, 0, 0, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := cluster{time.Now(), tt.slow, tt.nodes}
				known := partnerkeys.Settle(t.Context(), c.read(t.Context()), c.read)
				if took := time.Since(c.began); took < tt.from || took > tt.to {
					t.Errorf("took %v, want %v to %v", took, tt.from, tt.to)
				}
				if (known.Err != nil) != (tt.doubt != "") || known.Err != nil && !strings.Contains(known.Err.Error(), tt.doubt) {
					t.Errorf("error %v, want %q", known.Err, tt.doubt)
				}
				if len(known.Credentials) != tt.seen {
					t.Errorf("seen on %d nodes, want %d", len(known.Credentials), tt.seen)
				}
			})
		})
	}
}
