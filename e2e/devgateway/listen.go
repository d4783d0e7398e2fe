package devgateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// stopTimeout bounds how long requests and log events may take to end.
const stopTimeout = 10 * time.Second

// server is one listener with what serves it.
type server struct {
	http     *http.Server
	listener net.Listener
}

func (g *Gateway) listen() ([]server, error) {
	var servers []server
	for _, l := range []struct {
		addr   string
		server *http.Server
	}{
		{g.opts.ProxyAddr, g.proxyServer()},
		{g.opts.AdminAddr, g.httpServer(g.adminHandler())},
		{g.opts.StatusAddr, g.httpServer(statusHandler())},
	} {
		if l.addr == "" {
			continue
		}
		listener, err := net.Listen("tcp", l.addr)
		if err != nil {
			for _, s := range servers {
				_ = s.listener.Close()
			}
			return nil, listenError(l.addr, err)
		}
		servers = append(servers, server{l.server, clientListener{listener}})
	}
	return servers, nil
}

// listenError is short: "listen on 127.0.0.1:8000: address already in use".
func listenError(addr string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}

// proxyServer is told of each connection, see clientConn.
func (g *Gateway) proxyServer() *http.Server {
	s := g.httpServer(http.HandlerFunc(g.serveProxy))
	s.ConnContext, s.ConnState = g.connContext, g.connState
	s.MaxHeaderBytes = 32 << 10 // nginx's large_client_header_buffers
	return s
}

func (g *Gateway) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 60 * time.Second, // nginx's client_header_timeout
		IdleTimeout:       75 * time.Second, // nginx's keepalive_timeout
		ErrorLog:          g.logs.serverLog(),

		DisableGeneralOptionsHandler: true, // "OPTIONS *" is refused by name
	}
}

// connNumber is the context key of a connection's number.
type connNumber struct{}

func (s server) serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
	}
	return nil
}

func stop(servers []server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.listener.Addr(), err), s.http.Close())
		}
	}
	return errors.Join(errs...)
}
