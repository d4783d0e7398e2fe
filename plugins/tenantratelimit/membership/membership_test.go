package membership

import (
	"context"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

func TestNodesCountEachOther(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	var nodes []*Member
	for _, name := range []string{"a", "b", "c"} {
		p := New(client, "p", name)
		if p.Nodes() != 0 || p.Overrides() != "" {
			t.Errorf("before the first heartbeat: %d nodes, %q", p.Nodes(), p.Overrides())
		}
		p.heartbeat(t.Context())
		nodes = append(nodes, p)
	}
	if n := nodes[2].Nodes(); n != 3 {
		t.Errorf("%d nodes, want 3", n)
	}
	client.Set(t.Context(), OverridesKey("p"), "changed", 0)
	// b said something long ago.
	client.ZIncrBy(t.Context(), "p:{nodes}", -float64(life.Milliseconds()+1000), "b")
	nodes[0].heartbeat(t.Context())
	if nodes[0].Nodes() != 2 || nodes[0].Overrides() != "changed" {
		t.Errorf("%d nodes and %q, want 2 and what was changed", nodes[0].Nodes(), nodes[0].Overrides())
	}
	client.Del(t.Context(), OverridesKey("p"))
	if nodes[0].heartbeat(t.Context()); nodes[0].Overrides() != "" {
		t.Errorf("after it was removed: %q", nodes[0].Overrides())
	}
	if ttl := client.PTTL(t.Context(), "p:{nodes}").Val(); ttl <= 0 || ttl > life {
		t.Errorf("the nodes are forgotten in %v", ttl)
	}
	server.Kill()
	if nodes[0].heartbeat(t.Context()); nodes[0].Nodes() != 2 {
		t.Errorf("while Redis is away, %d nodes; want what was known", nodes[0].Nodes())
	}
}

func TestCloseLeaves(t *testing.T) {
	t.Parallel()
	client := redistest.Launch(t).Client()
	stays, leaves := New(client, "p", "stays"), New(client, "p", "leaves")
	leaves.Start()
	redistest.Await(t, "it sends heartbeats", func(context.Context) bool { return leaves.Nodes() == 1 })
	for range 2 {
		leaves.Close(t.Context())
	}
	if stays.heartbeat(t.Context()); stays.Nodes() != 1 {
		t.Errorf("%d nodes, want 1", stays.Nodes())
	}
	New(client, "p", "never").Close(t.Context()) // asks nothing, waits for nothing
}
