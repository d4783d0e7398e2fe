// Package pdkserver answers the PDK calls of external plugins: what they use of
// Kong's exposed API (kong/runloop/plugin_servers/plugin.lua and kong/pdk at 3.9.1) over an
// exchange.
package pdkserver

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// Session answers the calls of one event. It implements kongtest.PDK.
type Session struct {
	X *exchange.Exchange
	// Saved is the copy that a log event works on; nil in the other phases.
	Saved *exchange.Saved
	// Log writes to the error log.
	Log func(severity nginxlog.Severity, msg string)
}

var _ kongtest.PDK = (*Session)(nil)

// method is a function of the PDK.
type method struct {
	phases exchange.Phase // in which it may be called
	// timer says that it works in a log event, which has no request any more.
	timer bool
	call  handler
}

// handler decodes its argument, does the work and returns what to encode. An
// error is what Kong would throw.
type handler func(s *Session, arg []byte) (proto.Message, error)

var errTimer = errors.New("API disabled in the context of ngx.timer")

// Answer answers one call. The error is kongtest.ErrNoMethod,
// kongtest.ErrExit, or what Kong would throw.
func (s *Session) Answer(name string, arg []byte) ([]byte, error) {
	m, ok := methods[name]
	if !ok {
		return nil, kongtest.ErrNoMethod
	}
	if err := s.phase().Check(m.phases); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if s.Saved != nil && !m.timer {
		return nil, fmt.Errorf("%s: %w", name, errTimer)
	}
	reply, err := m.call(s, arg)
	if errors.Is(err, kongtest.ErrExit) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if reply == nil {
		return nil, nil
	}
	return proto.Marshal(reply)
}

// phase is the one that the session's event is for.
func (s *Session) phase() exchange.Phase {
	if s.Saved != nil {
		return exchange.Log
	}
	return s.X.Phase
}
