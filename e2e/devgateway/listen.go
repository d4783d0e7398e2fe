package devgateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
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
	secure, err := g.serverTLS()
	if err != nil {
		return nil, err
	}
	for _, l := range []struct {
		addr   string
		server *http.Server
		tls    *tls.Config
	}{
		{g.opts.ProxyAddr, g.proxyServer(), nil},
		{g.opts.ProxyTLSAddr, g.proxyServer(), secure},
		{g.opts.AdminAddr, g.httpServer(g.adminHandler()), nil},
		{g.opts.StatusAddr, g.httpServer(g.statusHandler()), nil},
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
		l.server.TLSConfig = l.tls
		if l.tls == nil {
			listener = clientListener{listener}
		}
		servers = append(servers, server{l.server, listener})
	}
	return servers, nil
}

// serverTLS shows clients the configuration's certificate for the server that they name,
// or else the one of CertFile.
func (g *Gateway) serverTLS() (*tls.Config, error) {
	if g.opts.ProxyTLSAddr == "" {
		return nil, nil
	}
	fallback, err := tls.LoadX509KeyPair(g.opts.CertFile, g.opts.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read KONG_SSL_CERT and KONG_SSL_CERT_KEY: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if cert := g.current.Load().config.ServerCertificate(hello.ServerName); cert != nil {
				return cert, nil
			}
			return &fallback, nil
		},
	}, nil
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

// connNumber is the context key of a connection's connCount.
type connNumber struct{}

// connCount is the number of a connection, and how many requests came on it.
type connCount struct {
	number   uint64
	requests atomic.Uint64
}

func (s server) serve() error {
	serve := s.http.Serve
	if s.http.TLSConfig != nil { // and HTTP/2
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
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
