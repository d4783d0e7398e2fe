// Package redisserver starts a redis-server of a suite's own.
package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/bench/loopback"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

const program = "redis-server"

// Server is a redis-server that keeps nothing on disk.
type Server struct {
	Addr string
	cmd  *exec.Cmd
	dir  string
	args []string
	env  []string
}

// Start starts a server and waits until it answers. The error is [ratio.Missing]
// where there is no redis-server on PATH. Args are more of its options.
func Start(ctx context.Context, args ...string) (*Server, error) { return StartWith(ctx, nil, args...) }

// StartWith is [Start] with more variables in the server's environment.
func StartWith(ctx context.Context, env []string, args ...string) (*Server, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, ratio.Missing{What: program + " on PATH"}
	}
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for redis: %w", err)
	}
	s := &Server{Addr: addrs[0], dir: dir, args: args, env: env}
	if err := s.Again(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// Again starts a server that was killed, at its address, and waits until it answers. It
// has forgotten all.
func (s *Server) Again(ctx context.Context) error {
	_, port, _ := net.SplitHostPort(s.Addr)
	s.cmd = exec.Command(program, append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no"}, s.args...)...)
	s.cmd.Env = append(os.Environ(), s.env...)
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	client := s.Client()
	defer client.Close()
	for deadline := time.Now().Add(10 * time.Second); client.Ping(ctx).Err() != nil; {
		if ctx.Err() != nil || time.Now().After(deadline) {
			s.Kill()
			return errors.New(program + " does not answer")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// URL is the server's, for database 0.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Client connects to the server. The caller closes it.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2})
}

// Kill ends the server at once, and leaves its folder.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // by the signal
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}
