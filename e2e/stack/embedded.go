package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
)

// startStore starts the in-process Redis-compatible store, unless a Redis is named.
func (s *Stack) startStore() error {
	if s.RedisURL != "" {
		return nil
	}
	store := miniredis.NewMiniRedis()
	if err := store.StartAddr(s.Ports.Redis.Addr()); err != nil {
		return fmt.Errorf("start the in-process store: %w", err)
	}
	stop := make(chan struct{})
	go expire(store, stop)
	s.closers = append(s.closers, func() error {
		close(stop)
		store.Close()
		return nil
	})
	return nil
}

// expire makes keys expire: miniredis counts time to live down only when told to.
func expire(store *miniredis.Miniredis, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			store.FastForward(time.Second)
		case <-stop:
			return
		}
	}
}

// startReceiver starts the in-process OTLP receiver, unless a collector is named.
func (s *Stack) startReceiver() error {
	if s.OTLPEndpoint != "" {
		return nil
	}
	l, err := net.Listen("tcp", s.Ports.OTLP.Addr())
	if err != nil {
		return fmt.Errorf("start the in-process trace receiver: %w", err)
	}
	server := &http.Server{Handler: otlpsink.New(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	s.closers = append(s.closers, func() error { return server.Shutdown(context.Background()) })
	return nil
}

func (s *Stack) redisURL() string {
	if s.RedisURL != "" {
		return s.RedisURL
	}
	return "redis://" + s.Ports.Redis.Addr() + "/0"
}

func (s *Stack) otlpEndpoint() string {
	if s.OTLPEndpoint != "" {
		return s.OTLPEndpoint
	}
	return s.Ports.OTLP.URL()
}
