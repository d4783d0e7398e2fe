package pluginserver

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// errOverloaded is what an event fails with whose handler is not called.
var errOverloaded = errors.New("the handler was not called: too many calls before it run past their deadline")

// retryOverloaded is how often a handler is tried whose breaker is open.
const retryOverloaded = 5 * time.Second

// breaker keeps the handlers of one plugin in one phase from being called while too
// many of them hang: its events then go their declared way at once, and those of other
// plugins are served as ever. Now and then one event is let through; when that
// one's handler ends by itself, all are again.
type breaker struct {
	plugin, handler string // what it is for
	open            instrument.Gauge

	abandoned atomic.Int64 // handlers that were cut off and still run
	retry     atomic.Int64 // when to let one through, Unix nanoseconds; 0 while all are
	said      minutely
}

// allow reports whether a handler may be called, and whether on trial.
func (b *breaker) allow() (allowed, trial bool) {
	retry := b.retry.Load()
	if retry == 0 {
		return true, false
	}
	now := time.Now()
	trial = now.UnixNano() >= retry && b.retry.CompareAndSwap(retry, now.Add(retryOverloaded).UnixNano())
	return trial, trial
}

// trip opens a breaker.
func (s *Server) trip(b *breaker) {
	now := time.Now()
	if b.retry.Swap(now.Add(retryOverloaded).UnixNano()) == 0 {
		b.open.Set(1)
		b.said.due(now)
		s.logOverloaded(b)
	}
}

// reset closes a breaker after a trial that ended by itself.
func (s *Server) reset(b *breaker) {
	if b.retry.Swap(0) != 0 {
		b.open.Set(0)
		s.opts.Logger.Info("plugin no longer overloaded: its handlers are called again", "plugin", b.plugin, "handler", b.handler)
	}
}

// refused is an event whose handler was not called.
func (s *Server) refused(b *breaker) {
	if b.said.due(time.Now()) {
		s.logOverloaded(b)
	}
}

func (s *Server) logOverloaded(b *breaker) {
	s.opts.Logger.Error("plugin overloaded: its events go their declared way without its handler", "plugin", b.plugin, "handler", b.handler,
		"hanging", b.abandoned.Load(), "limit", s.opts.MaxAbandoned, "next_try", retryOverloaded.String(),
		"fix", "find what the handler waits for, and have it heed its context; -deadline "+b.plugin+"=DURATION gives it more time")
}

// overloads has a line for each breaker that is open.
func (s *Server) overloads() (lines []string) {
	for _, name := range s.names {
		p := s.plugins[name]
		for i := range p.breakers {
			b := &p.breakers[i]
			if b.retry.Load() != 0 {
				lines = append(lines, fmt.Sprintf("overloaded: %s: %s: %d handlers hang", b.plugin, b.handler, b.abandoned.Load()))
			}
		}
	}
	return lines
}

// minutely lets something through once a minute. The zero value is ready to use.
type minutely struct{ next atomic.Int64 }

func (m *minutely) due(now time.Time) bool {
	next := m.next.Load()
	return now.UnixNano() >= next && m.next.CompareAndSwap(next, now.Add(time.Minute).UnixNano())
}
