package redisurl

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// tryDialTimeout is shorter than the time that callers of [Try] have, so that it says
// where connecting stopped, and not only that it took too long.
const tryDialTimeout = 1500 * time.Millisecond

// Try connects to the Redis at a URL for the first time, asks it whether it is what the
// URL says, and closes the connection. [ExplainFirst] explains the error.
func Try(ctx context.Context, raw string) error {
	client, err := open(raw, tryDialTimeout)
	if err != nil {
		return err
	}
	defer client.Close()
	if err = client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask redis: %w", orRefusal(ctx, client, err))
	}
	info, err := client.Info(ctx).Result()
	if err != nil {
		return nil // it answers, and who may not ask this learns it elsewhere
	}
	_, cluster := client.(*redis.ClusterClient)
	return mismatch(ParseInfo(info), cluster)
}

// refusalTimeout is how long a server is listened to that ended a connection.
const refusalTimeout = 300 * time.Millisecond

// orRefusal is what a server says of its own accord to who may not connect, if it ended the
// connection, and else the error. go-redis takes it for the answer to its HELLO, and goes on.
func orRefusal(ctx context.Context, client redis.UniversalClient, err error) error {
	if !(&failure{err: err}).ended() {
		return err
	}
	network, addr := place(client)
	if addr == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	conn, dialErr := new(net.Dialer).DialContext(ctx, network, addr)
	if dialErr != nil {
		return err
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	_ = conn.SetReadDeadline(end)
	line, _ := bufio.NewReader(io.LimitReader(conn, 1024)).ReadString('\n')
	if said, refused := strings.CutPrefix(strings.TrimSpace(line), "-"); refused {
		return fmt.Errorf("%s: %w", said, err)
	}
	return err
}

// place is where a server is that is spoken to without TLS, empty if it is not said.
func place(client redis.UniversalClient) (network, addr string) {
	switch client := client.(type) {
	case *redis.Client:
		if o := client.Options(); o.TLSConfig == nil {
			return o.Network, o.Addr
		}
	case *redis.ClusterClient:
		if o := client.Options(); o.TLSConfig == nil && len(o.Addrs) > 0 {
			return "tcp", o.Addrs[0]
		}
	}
	return "", ""
}

// reachTimeout bounds [Reach].
const reachTimeout = 2 * time.Second

// Reach is [Try] within two seconds. Its error says what is likely in the way.
func Reach(ctx context.Context, raw string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	err := Try(ctx, raw)
	if likely := ExplainFirst(raw, err); likely != "" {
		return fmt.Errorf("%w; %s", err, likely)
	}
	return err
}

// mismatch is what a server is that the URL does not say.
func mismatch(info Info, cluster bool) error {
	mode := cmp.Or(info["redis_mode"], info["server_mode"]) // Redis', Valkey's
	switch {
	case mode == "sentinel":
		return errors.New("the server says mode:sentinel")
	case mode == "cluster" && !cluster:
		return errors.New("the server says mode:cluster")
	case info["role"] == "slave" && !cluster:
		return errors.New("the server says role:slave")
	}
	return nil
}
