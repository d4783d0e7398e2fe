package redisurl

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// dial connects, and over TLS says which of the two steps failed: a port that takes the
// connection and then no handshake is mostly one without TLS. go-redis' own dialer does
// not say it, nor does it stop when the context ends.
func dial(security *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil || security == nil {
			return conn, err
		}
		secure := tls.Client(conn, security)
		ctx, cancel := sooner(ctx)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, &handshakeError{addr, err}
		}
		return secure, nil
	}
}

// sooner ends a little before ctx, so that who waits for the connection, and gives up
// when ctx ends, is told what was wrong with it.
func sooner(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)*9/10)
}

// handshakeError is of a connection that came about, and whose TLS did not.
type handshakeError struct {
	addr string
	err  error
}

func (e *handshakeError) Error() string {
	return fmt.Sprintf("TLS handshake with %s: %v", e.addr, e.err)
}

func (e *handshakeError) Unwrap() error { return e.err }

// silent takes the place of go-redis' own logger, which prints a line to standard error
// for each failed dial. Who uses a client says what fails.
type silent struct{}

// Printf implements go-redis' logging interface.
func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) }
