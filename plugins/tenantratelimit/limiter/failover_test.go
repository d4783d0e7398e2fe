package limiter

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// gateway is a node in front of a Redis, which asks it as the plugin does.
type gateway struct {
	store *Redis
	// local says that the node goes on by itself where Redis fails; else it refuses.
	local   bool
	nodes   int64
	timeout time.Duration
	// news are what was said of servers, in order.
	mu   sync.Mutex
	news []string
}

func newGateway(t *testing.T, client redis.UniversalClient, local bool, nodes int64) *gateway {
	g := &gateway{local: local, nodes: nodes, timeout: 200 * time.Millisecond}
	g.store = NewRedis(client, RedisOptions{
		Local:     NewLocal(1000, time.Now),
		Tripped:   func(addr string, _ error) { g.note("tripped", addr) },
		Recovered: func(addr string) { g.note("recovered", addr) },
		Gone:      func(addr string) { g.note("gone", addr) },
		Said:      func(addr string, word Word, _ error) { g.note(string(word), addr) },
	})
	t.Cleanup(g.store.Close)
	return g
}

func (g *gateway) note(what, addr string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.news); n == 0 || g.news[n-1] != what+" "+addr { // words come again and again
		g.news = append(g.news, what+" "+addr)
	}
}

func (g *gateway) heard(what, addr string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, news := range g.news {
		if news == what+" "+addr {
			n++
		}
	}
	return n
}

// take is a client's request. err says that Redis did not decide it.
func (g *gateway) take(ctx context.Context, descriptors ...Descriptor) (allowed bool, err error) {
	req := Request{Descriptors: descriptors, Timeout: g.timeout, OverridesKey: Tag(descriptors[0].Key) + ":overrides"}
	if g.local {
		req.Alone = func() (int64, bool) { return g.nodes, false }
	}
	v, err := g.store.Take(ctx, req)
	if err == nil || !g.local {
		return v.Allowed, err
	}
	req.Offline, req.Nodes = true, g.nodes
	v, _ = g.store.Take(ctx, req)
	return v.Allowed, err
}

// opened is a client as the plugin makes it.
func opened(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	client, err := redisurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func clusterURL(servers []*redistest.Server) string {
	url := "redis://" + servers[0].Addr + "?cluster=true"
	for _, s := range servers[1:] {
		url += "&addr=" + s.Addr
	}
	return url
}

// tally is what became of one gateway's requests, one every few milliseconds.
type tally struct {
	requests, admitted, failed int
	lastFailure                time.Time
}

func (g *gateway) load(ctx context.Context, descriptors ...Descriptor) (n tally) {
	for ctx.Err() == nil {
		allowed, err := g.take(context.WithoutCancel(ctx), descriptors...)
		n.requests++
		if allowed {
			n.admitted++
		}
		if err != nil {
			n.failed++
			n.lastFailure = time.Now()
		}
		time.Sleep(2 * time.Millisecond)
	}
	return n
}

// usable is how long after the promotion requests still failed.
func (n tally) usable(promoted time.Time) time.Duration {
	return max(0, n.lastFailure.Sub(promoted)).Round(10 * time.Millisecond)
}

// tenantOn is a counter in one of those slots.
func tenantOn(t *testing.T, client *redis.ClusterClient, l *Limit, from, to int64, name string) Descriptor {
	t.Helper()
	for i := range 1000 {
		d := Descriptor{Limit: l, Key: Key("p", l, []Part{{Kind: 't', ID: fmt.Sprint(name, i)}}), Cost: 1}
		if slot := client.ClusterKeySlot(t.Context(), d.Key).Val(); slot >= from && slot <= to {
			return d
		}
	}
	t.Fatal("no tenant is in those slots")
	return Descriptor{}
}

const (
	failoverQuota = 50
	failoverUsed  = 45
	// failoverTarget is how long after a promotion a slot may fail, and failoverSlack what
	// a busy machine may add to that.
	failoverTarget = 2 * time.Second
	failoverSlack  = 3 * time.Second
)

// trial is one way to lose a master, and what three gateways with on_redis_error local and
// one with deny make of it.
type trial struct {
	kind string
	// cause has replica take over from master.
	cause           func()
	master, replica *redistest.Server
	// open makes a client of one of the gateways.
	open func() redis.UniversalClient
	// lost and well are counters of the server that is lost, and of another one, if there is one.
	lost, well func(*Limit, string) Descriptor
}

func (tr trial) run(t *testing.T) (strict *gateway) {
	const nodes = 3
	quota := mustCompile(t, Spec{Name: "quota", Algorithm: FixedWindow, Quota: failoverQuota, Window: 24 * time.Hour})
	plenty := mustCompile(t, Spec{Name: "plenty", Algorithm: FixedWindow, Quota: 1_000_000, Window: 24 * time.Hour})
	strict = newGateway(t, tr.open(), false, 1)
	counted, tight := tr.lost(plenty, "strict"), tr.lost(quota, "local")
	var well Descriptor
	if tr.well != nil {
		well = tr.well(plenty, "well")
	}
	var lenient []*gateway
	for range nodes {
		lenient = append(lenient, newGateway(t, tr.open(), true, nodes))
	}
	for i := range failoverUsed {
		redistest.Await(t, "a request is admitted", func(ctx context.Context) bool {
			allowed, err := lenient[i%nodes].take(ctx, tight)
			return allowed && err == nil
		})
	}
	redistest.Await(t, "a request is admitted", func(ctx context.Context) bool {
		_, err := strict.take(ctx, counted)
		return err == nil
	})
	redistest.Await(t, "the replica has all", func(ctx context.Context) bool { return tr.replica.HasAll(ctx, tr.master) })

	promotes := isMaster(tr.replica)
	ctx, stop := context.WithCancel(context.Background())
	var loads sync.WaitGroup
	var refused, others tally
	var admitted [nodes]tally
	loads.Go(func() { refused = strict.load(ctx, counted) })
	if tr.well != nil {
		loads.Go(func() { others = strict.load(ctx, well) })
	}
	for i, g := range lenient {
		loads.Go(func() { admitted[i] = g.load(ctx, tight) })
	}
	began := time.Now()
	tr.cause()
	redistest.Await(t, "the replica is promoted", promotes)
	promoted := time.Now()
	redistest.Await(t, "the slot is usable", func(ctx context.Context) bool {
		_, err := strict.take(ctx, counted)
		return err == nil
	})
	time.Sleep(time.Second)
	stop()
	loads.Wait()

	total, over := failoverUsed, 0
	for _, n := range admitted {
		total += n.admitted
	}
	over = max(0, total-failoverQuota)
	usable := refused.usable(promoted)
	t.Logf("| %s | %.1f s | %d | %d | %d of %d | %.1f s |", tr.kind, promoted.Sub(began).Seconds(),
		refused.requests, refused.failed, over, failoverQuota, usable.Seconds())
	if usable > failoverTarget+failoverSlack {
		t.Errorf("requests failed until %v after the promotion, want %v", usable, failoverTarget)
	}
	if over > failoverQuota/10 {
		t.Errorf("%d admitted of %d, want a tenth more at most", total, failoverQuota)
	}
	if others.failed > others.requests/20 {
		t.Errorf("%d of %d requests failed whose server was well", others.failed, others.requests)
	}
	return strict
}

func isMaster(server *redistest.Server) func(context.Context) bool {
	c := server.Client()
	return func(ctx context.Context) bool {
		role, err := c.Do(ctx, "ROLE").Slice()
		return err == nil && role[0] == "master"
	}
}

// onCluster is a trial of a Cluster's first third of slots, which are the master's.
func onCluster(t *testing.T, servers []*redistest.Server, kind string, cause func(), master, replica *redistest.Server) trial {
	client := clusterOf(t, servers)
	return trial{
		kind: kind, cause: cause, master: master, replica: replica,
		open: func() redis.UniversalClient { return opened(t, clusterURL(servers)) },
		lost: func(l *Limit, name string) Descriptor { return tenantOn(t, client, l, 0, 5000, kind+name) },
		well: func(l *Limit, name string) Descriptor { return tenantOn(t, client, l, 6000, 10000, kind+name) },
	}
}

// TestFailovers loses masters in all ways. With -v, each is a line of the table in
// docs/rate-limiting.md.
func TestFailovers(t *testing.T) {
	t.Parallel()
	var trials sync.WaitGroup
	defer trials.Wait()
	// They wait most of the time: side by side, however few processors there are.
	trials.Go(func() { t.Run("killed", killed) })
	trials.Go(func() { t.Run("hangs", hangs) })
	trials.Go(func() { t.Run("Sentinel", sentinelKilled) })
}

func killed(t *testing.T) {
	masters, replicas := redistest.Replicated(t, 3)
	addr := masters[0].Addr
	g := onCluster(t, masters, "a master is killed", masters[0].Kill, masters[0], replicas[0]).run(t)
	if got := [3]int{g.heard("tripped", addr), g.heard("recovered", addr), g.heard("gone", addr)}; got != [3]int{1, 0, 1} {
		t.Errorf("given up on, back, gone: said %v times, want once given up on and once gone", got)
	}
	if b := g.store.masters.byAddr[addr]; b != nil || g.store.masters.failing() {
		t.Error("the batcher to a server that has no slots is still there")
	}

	masters[0].Start()
	redistest.Await(t, "the old master follows", func(ctx context.Context) bool { return masters[0].Follows(ctx) })
	onCluster(t, masters, "it is back, and takes over (CLUSTER FAILOVER)", func() { takeOver(t, masters[0]) }, replicas[0], masters[0]).run(t)
	again := tenantOn(t, clusterOf(t, masters), mustCompile(t, Spec{Name: "l", Algorithm: FixedWindow, Quota: 9, Window: time.Hour}), 0, 5000, "again")
	redistest.Await(t, "the gateway that lost it uses it again", func(ctx context.Context) bool {
		_, err := g.take(ctx, again)
		return err == nil && g.heard("gone", replicas[0].Addr) == 1
	})
}

// manualFailover is after how long Redis gives a CLUSTER FAILOVER up, as it does where a
// busy machine keeps the servers from each other.
const manualFailover = 5 * time.Second

// takeOver has a replica become the master, as an operator would: again, where it failed.
func takeOver(t *testing.T, replica *redistest.Server) {
	promoted := isMaster(replica)
	var tried time.Time
	redistest.Await(t, "the replica takes over", func(ctx context.Context) bool {
		if time.Since(tried) > manualFailover {
			tried = time.Now()
			_ = replica.Client().Do(ctx, "CLUSTER", "FAILOVER").Err()
		}
		return promoted(ctx)
	})
}

func hangs(t *testing.T) {
	masters, replicas := redistest.Replicated(t, 3)
	onCluster(t, masters, "a master hangs", masters[0].Pause, masters[0], replicas[0]).run(t)
}

func sentinelKilled(t *testing.T) {
	url, master, replica := redistest.Sentinel(t)
	counter := func(l *Limit, name string) Descriptor {
		return Descriptor{Limit: l, Key: Key("p", l, []Part{{Kind: 't', ID: name}}), Cost: 1}
	}
	trial{
		kind: "a master of Sentinel's is killed", cause: master.Kill, master: master, replica: replica, lost: counter,
		open: func() redis.UniversalClient { return opened(t, url) },
	}.run(t)
}
