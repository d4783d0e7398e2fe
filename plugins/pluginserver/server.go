package pluginserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// Server serves plugins to Kong. Make one with [New].
type Server struct {
	opts      Options
	plugins   map[string]*plugin
	names     []string // sorted
	instances *instances
	metrics   *metrics
	endings   rateLimit     // of log lines about connections that ended badly
	logEvents atomic.Int64  // under way or waiting
	lost      minutely      // of log lines about log events that were dropped
	marks     atomic.Uint64 // of goroutines that serve sessions
	usage     func() usage  // of this process

	serving atomic.Bool
	ready   atomic.Bool

	mu       sync.Mutex
	sessions map[*session]struct{}
}

// New returns a server of the plugins. It calls New of each once. The error
// joins one line for everything that is wrong with them: a name that is
// missing or taken, a version that is not x.y.z, a configuration that handles
// no phase, a struct tag that does not make a schema.
func New(opts Options, plugins ...Plugin) (*Server, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	compiled, err := compileAll(opts, plugins)
	if err != nil {
		return nil, err
	}
	m := newMetrics(opts.Meter)
	started, err := newInstances(compiled, opts, m)
	if err != nil {
		return nil, err
	}
	started.watchDegraded(opts.Meter)
	s := &Server{
		opts: opts, plugins: compiled, metrics: m, instances: started,
		sessions: map[*session]struct{}{}, usage: processUsage,
	}
	for name, p := range compiled {
		s.names = append(s.names, name)
		p.prepare(m, opts.MaxEvents)
		for _, field := range p.config.LeftOut {
			opts.Logger.Warn("field left out of the schema: Kong refuses configurations that have it", "plugin", name, "field", field)
		}
	}
	slices.Sort(s.names)
	return s, nil
}

func compileAll(opts Options, plugins []Plugin) (map[string]*plugin, error) {
	if len(plugins) == 0 {
		return nil, errors.New("plugin server has no plugins: give it at least one")
	}
	compiled := make(map[string]*plugin, len(plugins))
	var errs []error
	for _, p := range plugins {
		c, err := compile(p, opts.Strict)
		if err == nil && compiled[p.Name] != nil {
			err = fmt.Errorf("plugin %s is there twice: names are unique in Kong", p.Name)
		}
		if err == nil {
			c.deadlines = deadlinesOf(p, opts.Deadlines)
		}
		errs = append(errs, err)
		compiled[p.Name] = c
	}
	errs = append(errs, checkDeadlines(opts.Deadlines, compiled))
	return compiled, errors.Join(errs...)
}

// Names lists the plugins, sorted.
func (s *Server) Names() []string { return slices.Clone(s.names) }

// Info returns what the query command of a plugin must print, see [Info].
func (s *Server) Info(name string) ([]byte, error) {
	p := s.plugins[name]
	if p == nil {
		return nil, fmt.Errorf("no plugin %q: there are %s", name, strings.Join(s.names, ", "))
	}
	return encodeDump("", p)
}

// Serve accepts connections until ctx ends or the listener fails, and closes
// the listener. When ctx ends, running events may end within
// Options.DrainTimeout; idle connections are closed such that Kong reads a
// clean end. Instances are closed last. It returns nil when ctx ended,
// [ErrReplace] when it drained because the process ran out of memory or
// goroutines, and otherwise why the listener failed. One Serve can run at a time.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !s.serving.CompareAndSwap(false, true) {
		return errors.New("plugin server is serving already: use one listener")
	}
	defer s.serving.Store(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go s.watchUsage(ctx, cancel)
	defer context.AfterFunc(ctx, func() { retire(ln) })()

	s.ready.Store(true)
	var running sync.WaitGroup
	err := s.accept(ctx, ln, &running)
	s.ready.Store(false)
	_ = ln.Close()
	s.drain(&running)
	s.instances.closeAll()
	if errors.Is(context.Cause(ctx), ErrReplace) {
		return ErrReplace
	}
	return err
}

// accept accepts connections, at most Options.MaxConnections at a time, those
// of the process before first, until the listener ends. When ctx has ended that
// is as soon as nothing is left in its backlog, see retire.
func (s *Server) accept(ctx context.Context, ln net.Listener, running *sync.WaitGroup) error {
	slots := make(chan struct{}, s.opts.MaxConnections)
	for _, nc := range s.takeOver() {
		s.open(nc, s.claimSlot(ctx, slots), running)
	}
	for {
		release := s.claimSlot(ctx, slots)
		if ctx.Err() != nil {
			retire(ln) // for a while from now on
		}
		nc, err := acceptOne(ctx, ln)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept from Kong: %w", err)
		}
		s.open(nc, release, running)
	}
}

// takeOver returns the connections that the process before this one had.
func (s *Server) takeOver() []net.Conn {
	if s.opts.Handover == nil {
		return nil
	}
	conns, err := s.opts.Handover.Take()
	if err != nil {
		s.opts.Logger.Error("connections of the process before are lost", "error", err)
	}
	s.metrics.takenOver.Add(float64(len(conns)))
	return conns
}

// open serves a connection, which has a slot.
func (s *Server) open(nc net.Conn, release func(), running *sync.WaitGroup) {
	sess := newSession(s, nc)
	running.Add(1)
	sess.release = func() { release(); running.Done() }
	s.add(sess)
	go s.serveSession(sess)
}

// claimSlot waits for a place for one more connection, or for the end of ctx.
func (s *Server) claimSlot(ctx context.Context, slots chan struct{}) (release func()) {
	release = func() { <-slots }
	select {
	case slots <- struct{}{}:
		return release
	default:
	}
	s.metrics.acceptWaits.Inc()
	select {
	case slots <- struct{}{}:
		return release
	case <-ctx.Done():
		return func() {}
	}
}

// acceptPause is how long to wait after an error that passes.
const acceptPause = 50 * time.Millisecond

// acceptOne waits out errors that pass: no file descriptors or memory left, or
// a peer that is gone.
func acceptOne(ctx context.Context, ln net.Listener) (net.Conn, error) {
	for {
		nc, err := ln.Accept()
		passing := errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
			errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
		if !passing {
			return nc, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(acceptPause):
		}
	}
}

func (s *Server) add(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[sess] = struct{}{}
	s.metrics.connections.Inc()
}

// serveSession serves a connection until it ends, or until another goroutine
// carries on with it.
func (s *Server) serveSession(sess *session) {
	sess.mark()
	s.finish(sess, sess.serve())
}

// finish ends a connection, unless the calling goroutine has lost it.
func (s *Server) finish(sess *session, err error) {
	switch {
	case errors.Is(err, errTaken):
		return
	case errors.Is(err, errFinished):
	case errors.Is(err, errDrained):
		sess.leave()
	default:
		s.logEnding(err)
	}
	_ = sess.nc.Close()
	sess.timer.Stop()
	s.mu.Lock()
	delete(s.sessions, sess)
	s.mu.Unlock()
	s.metrics.connections.Dec()
	sess.release()
}

// logEnding logs a connection that ended badly, at most once in a second.
func (s *Server) logEnding(err error) {
	if errors.Is(err, net.ErrClosed) {
		return // cut by drain, which says so
	}
	level := slog.LevelWarn
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		level = slog.LevelInfo // Kong's side: a client or worker that is gone, or an error that is in Kong's log
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.metrics.timeouts.Inc()
	default:
		s.metrics.badFrames.Inc()
	}
	if suppressed, ok := s.allow(&s.endings); ok {
		s.opts.Logger.Log(context.Background(), level, "connection closed", "error", err, "suppressed", suppressed)
	}
}

// drain lets running events end, and cuts those that take too long.
func (s *Server) drain(running *sync.WaitGroup) {
	s.eachSession((*session).drain)
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	timeout := time.NewTimer(s.opts.DrainTimeout)
	defer timeout.Stop()
	select {
	case <-done:
		return
	case <-timeout.C:
	}
	cut := s.eachSession((*session).cut)
	s.metrics.cut.Add(float64(cut))
	s.opts.Logger.Warn("events cut off: they took longer than the drain timeout", "connections", cut, "timeout", s.opts.DrainTimeout.String())
}

func (s *Server) eachSession(f func(*session)) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sess := range s.sessions {
		f(sess)
	}
	return len(s.sessions)
}

// pluginInfo answers CmdGetPluginInfo, which Kong 3.9 does not send but the
// protocol has; empty for a plugin that is not here.
func (s *Server) pluginInfo(name string) *kpp.RpcReturn_PluginInfo {
	p := s.plugins[name]
	if p == nil {
		return &kpp.RpcReturn_PluginInfo{PluginInfo: &kpp.PluginInfo{}}
	}
	text, err := schema.Encode(schema.OfPlugin(p.Name, p.config))
	if err != nil {
		s.opts.Logger.Error("encode schema", "plugin", name, "error", err)
	}
	return &kpp.RpcReturn_PluginInfo{PluginInfo: &kpp.PluginInfo{
		Name: p.Name, Phases: p.phases, Version: p.Version, Priority: int32(p.Priority), Schema: string(text),
	}}
}

// retire stops a listener from accepting. Connections in the backlog of one
// that is ours would be reset with it, and are accepted first; those of one
// that a parent holds wait there for the next process.
func retire(ln net.Listener) {
	if own, ok := ln.(*listen.Listener); ok {
		own.Retire(linger)
		return
	}
	_ = ln.Close()
}
