package devgateway

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// stats count connections and requests, as nginx's stub status does.
type stats struct {
	accepted atomic.Uint64
	active   atomic.Int64
	requests atomic.Uint64
}

// connNumber is the context key of a connection's number.
type connNumber struct{}

// connContext numbers connections, for the *N of nginx's error log.
func (s *stats) connContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connNumber{}, s.accepted.Add(1))
}

func (s *stats) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.active.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.active.Add(-1)
	}
}
