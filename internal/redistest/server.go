package redistest

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server on a port of 127.0.0.1 that a test may kill and
// start again.
type Server struct {
	Addr string
	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// Launch starts a server that keeps nothing on disk. Arguments are added to the
// server's, and may take its port away. Where there is no redis-server, the
// test is skipped and says so.
func Launch(t testing.TB, args ...string) *Server {
	t.Helper()
	addr := FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{Addr: addr, t: t, args: append([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no",
	}, args...)}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server, and does not wait for it; see [Await].
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = exec.CommandContext(context.Background(), binary(s.t), s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Pause stops the server's process until Resume: it keeps its connections, and does
// what it was asked meanwhile when it goes on.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("send %v to redis-server: %v", sig, err)
	}
}

// Client connects to the server until the test ends, and waits until it answers.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	c := Client(s.t, "redis://"+s.Addr)
	Await(s.t, "redis-server answers", func(ctx context.Context) bool { return c.Ping(ctx).Err() == nil })
	return c
}

// given are the addresses that FreeAddr has given.
var given sync.Map

// FreeAddr is an address that nothing listened on a moment ago. No other test of this
// process gets it, and no connection: its port is below those that Linux gives to them.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if _, taken := given.LoadOrStore(addr, true); taken {
			continue
		}
		if ln, err := net.Listen("tcp", addr); err == nil {
			ln.Close()
			return addr
		}
	}
	t.Fatal("no free port from 10000 to 29999")
	return ""
}

// Await polls until ok, for half a minute.
func Await(t testing.TB, what string, ok func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("not seen within 30s: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Cluster starts that many masters with equal shares of the slots, and returns
// them when each knows of all.
func Cluster(t testing.TB, masters int) []*Server {
	t.Helper()
	return cluster(t, masters, 0)
}

// Replicated is a Cluster in which each master has a replica, at the same place, that takes
// over some two seconds after the master fails.
func Replicated(t testing.TB, count int) (masters, replicas []*Server) {
	t.Helper()
	servers := cluster(t, count, count)
	for _, s := range servers { // only now: it is also the time for servers to meet
		if err := s.Client().ConfigSet(context.Background(), "cluster-node-timeout", "1000").Err(); err != nil {
			t.Fatalf("set the node timeout: %v", err)
		}
	}
	return servers[:count], servers[count:]
}

func cluster(t testing.TB, masters, replicas int) []*Server {
	t.Helper()
	const slots = 16384
	var servers []*Server
	for i := range masters + replicas {
		_, bus, _ := net.SplitHostPort(FreeAddr(t))
		s := Launch(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "5000",
			// One that fails takes the others with it otherwise, as soon as it is noticed.
			"--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0",
			// A replica takes over however long a busy machine kept it from its master.
			"--cluster-replica-validity-factor", "0")
		c := s.Client()
		if i < masters {
			from, to := i*slots/masters, (i+1)*slots/masters-1
			if err := c.Do(context.Background(), "CLUSTER", "ADDSLOTSRANGE", from, to).Err(); err != nil {
				t.Fatalf("give slots: %v", err)
			}
		}
		if i > 0 {
			meet(t, c, servers[0])
		}
		servers = append(servers, s)
	}
	for i := range replicas {
		servers[masters+i].follow(servers[i])
	}
	for _, s := range servers {
		c := s.Client()
		Await(t, "the cluster is whole", func(ctx context.Context) bool { return whole(ctx, c, masters, masters+replicas) })
	}
	return servers
}

// follow makes the server a replica of another one of its Cluster.
func (s *Server) follow(master *Server) {
	s.t.Helper()
	c, id := s.Client(), master.ID()
	Await(s.t, "the replica follows", func(ctx context.Context) bool {
		_ = c.Do(ctx, "CLUSTER", "REPLICATE", id).Err() // fails until the replica knows of the master
		return follows(ctx, c)
	})
}

// Follows is true for a replica that has all that its master has.
func (s *Server) Follows(ctx context.Context) bool { return follows(ctx, s.Client()) }

// HasAll is true for a replica that has all that was written to the master, if nobody
// writes meanwhile.
func (s *Server) HasAll(ctx context.Context, master *Server) bool {
	written, err := master.Client().Info(ctx, "replication").Result()
	read, err2 := s.Client().Info(ctx, "replication").Result()
	return err == nil && err2 == nil && infoField(written, "master_repl_offset") == infoField(read, "slave_repl_offset")
}

func infoField(info, name string) string {
	_, rest, _ := strings.Cut(info, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r")
	return value
}

func follows(ctx context.Context, c *redis.Client) bool {
	info, err := c.Info(ctx, "replication").Result()
	return err == nil && strings.Contains(info, "master_link_status:up")
}

// ID is the server's name in its Cluster.
func (s *Server) ID() string {
	s.t.Helper()
	id, err := s.Client().Do(context.Background(), "CLUSTER", "MYID").Text()
	if err != nil {
		s.t.Fatalf("ask for the id: %v", err)
	}
	return id
}

func meet(t testing.TB, c *redis.Client, other *Server) {
	t.Helper()
	host, port, _ := net.SplitHostPort(other.Addr)
	var bus string
	for i, arg := range other.args {
		if arg == "--cluster-port" {
			bus = other.args[i+1]
		}
	}
	if err := c.Do(context.Background(), "CLUSTER", "MEET", host, port, bus).Err(); err != nil {
		t.Fatalf("meet: %v", err)
	}
}

func whole(ctx context.Context, c *redis.Client, masters, servers int) bool {
	shards, err := c.ClusterShards(ctx).Result()
	info, err2 := c.ClusterInfo(ctx).Result()
	known := 0
	for _, shard := range shards {
		known += len(shard.Nodes)
	}
	return err == nil && err2 == nil && len(shards) == masters && known == servers &&
		strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_assigned:16384")
}

// Replica starts a server that follows the master, and waits until both say so.
func Replica(t testing.TB, master *Server) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := Launch(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	c, m := replica.Client(), master.Client()
	Await(t, "the replica follows", func(ctx context.Context) bool {
		return follows(ctx, c) && m.Do(ctx, "WAIT", 1, 10).Val() == int64(1)
	})
	return replica
}

// Sentinel watches a master, by the name main, and its replica. The URL names
// the master whichever of the two it is.
func Sentinel(t testing.TB) (url string, master, replica *Server) {
	t.Helper()
	master = Launch(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica = Replica(t, master)
	addr := FreeAddr(t)
	_, watch, _ := net.SplitHostPort(addr)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := "port " + watch + "\nbind 127.0.0.1\nsentinel monitor main " + host + " " + port + " 1\n" +
		"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: addr, t: t, args: []string{file, "--sentinel"}}
	s.Start()
	t.Cleanup(s.Kill)
	c := s.Client()
	Await(t, "the sentinel knows the replica", func(ctx context.Context) bool {
		known, err := c.Do(ctx, "SENTINEL", "REPLICAS", "main").Slice()
		return err == nil && len(known) == 1
	})
	return "redis://" + addr + "?master_name=main", master, replica
}
