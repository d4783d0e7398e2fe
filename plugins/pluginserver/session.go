package pluginserver

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/peek"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// The ways in which a session ends in order.
var (
	errFinished = errors.New("finished") // Kong will not write on the connection any more
	errDrained  = errors.New("drained")  // Kong may be about to
)

// errTaken is returned to a goroutine that owns the session no more.
var errTaken = errors.New("another goroutine carries on with the connection")

// session is one connection from Kong, which makes one call at a time on it. It is, in
// turn,
//
//   - idle: it waits for a call. The only state in which it ends in order, see drain;
//   - answering: it has read a call. A call that is not an event is answered at once;
//   - in an event, of which a plugin's handler has the connection, as the eventConn that
//     is current: what the session reads and writes is guarded by that one's mu;
//   - ended: Server.finish has closed it.
//
// One goroutine owns the session at a time. It alone uses the fields of the first group
// outside an event, and returns from the session's methods with it, or with errTaken. At
// first this is the goroutine that runs serve, and the handler runs on it too. Where the
// handler is cut off, the goroutine of the timer becomes the owner and serves on
// (carryOn); the old one finds that when the handler returns, and ends.
type session struct {
	srv     *Server
	nc      net.Conn
	reader  *peek.Reader // reads nc
	frames  protocol.Reader
	in      []byte    // the call that is answered
	out     []byte    // frames that are not written yet
	owed    int       // replies that nobody waits for, and that were not read yet
	bounded time.Time // the deadline that is set on nc, zero for none
	release func()    // called when the session has ended
	label   uint64    // of the goroutine that owns the session

	began   time.Time
	waited  atomic.Int64              // nanoseconds in which Kong was waited for, in all events
	timer   *time.Timer               // calls overrun
	fires   atomic.Int64              // when the timer fires, see clock; 0 if it is not set
	current atomic.Pointer[eventConn] // the attempt under way, nil for none

	mu       sync.Mutex // guards what follows, between the owner and drain
	idle     bool
	draining bool
	used     bool // has had a call
}

func newSession(srv *Server, nc net.Conn) *session {
	reader := peek.NewReader(nc)
	s := &session{
		srv: srv, nc: nc, reader: reader, frames: protocol.NewReader(reader, srv.opts.MaxFrame),
		release: func() {}, began: time.Now(),
	}
	s.timer = time.AfterFunc(math.MaxInt64, s.overrun)
	s.timer.Stop()
	return s
}

// serve answers calls until Kong hangs up, the server drains, or something is wrong, which
// it returns.
func (s *session) serve() error {
	for {
		err := s.awaitCall()
		if err != nil {
			return err
		}
		s.bound()
		if err := s.reader.Take(s.frames.Buffered()); err != nil {
			return fmt.Errorf("take what was read: %w", err)
		}
		if s.in, err = s.frames.Frame(s.in); err != nil {
			return fmt.Errorf("read call: %w", err)
		}
		if err := s.answer(); err != nil {
			return err
		}
		s.in, s.out = trimmed(s.in), trimmed(s.out)
	}
}

// awaitCall waits for the first byte of a call.
func (s *session) awaitCall() error {
	for {
		if !s.beginIdle() {
			return errDrained
		}
		err := s.frames.Wait()
		draining := s.endIdle()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, io.EOF):
			return errFinished
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("wait for call: %w", err)
		case draining:
			return errDrained
		}
		s.unbound() // the deadline was left from the last call: an idle connection has none
	}
}

// beginIdle reports false where the session is not to wait for another call: the server
// drains, and Kong had its turn, or has it in the next process.
func (s *session) beginIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining && (s.used || s.srv.opts.Handover != nil) {
		return false
	}
	if s.draining {
		_ = s.nc.SetReadDeadline(time.Now().Add(linger))
	}
	s.idle = true
	return true
}

// endIdle reports whether the server drains.
func (s *session) endIdle() (draining bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle, s.used = false, true
	if s.draining {
		s.unbound()
	}
	return s.draining
}

// answer serves the call in s.in.
func (s *session) answer() error {
	if e, ok := protocol.DecodeEvent(s.in); ok {
		return s.event(e)
	}
	c, err := protocol.DecodeCall(s.in)
	if err != nil {
		return err
	}
	ret := &kpp.RpcReturn{Sequence: c.Sequence}
	switch cmd := c.Call.(type) {
	case *kpp.RpcCall_CmdHandleEvent:
		e := cmd.CmdHandleEvent
		return s.event(protocol.Event{Sequence: c.Sequence, InstanceID: e.GetInstanceId(), Phase: []byte(e.GetEventName())})
	case *kpp.RpcCall_CmdStartInstance:
		inst := s.srv.instances.start(cmd.CmdStartInstance.GetName(), cmd.CmdStartInstance.GetConfig())
		ret.Return = inst.status()
	case *kpp.RpcCall_CmdCloseInstance:
		ret.Return = s.srv.instances.closeOne(cmd.CmdCloseInstance.GetInstanceId()).status()
	case *kpp.RpcCall_CmdGetInstanceStatus:
		ret.Return = s.srv.instances.find(cmd.CmdGetInstanceStatus.GetInstanceId()).status()
	case *kpp.RpcCall_CmdGetPluginNames:
		ret.Return = &kpp.RpcReturn_PluginNames{PluginNames: &kpp.PluginNames{Names: s.srv.names}}
	case *kpp.RpcCall_CmdGetPluginInfo:
		ret.Return = s.srv.pluginInfo(cmd.CmdGetPluginInfo.GetName())
	default:
		return errors.New("decode call: it has no command")
	}
	return s.reply(ret)
}

func (s *session) reply(ret *kpp.RpcReturn) error {
	var at int
	var err error
	s.out, at = protocol.OpenFrame(s.out)
	if s.out, err = (proto.MarshalOptions{}).MarshalAppend(s.out, ret); err != nil {
		return fmt.Errorf("encode return: %w", err)
	}
	s.out = protocol.CloseFrame(s.out, at)
	return s.flush()
}

// endEvent ends an event normally, in one write with the calls that are held
// back, and drops what Kong still owes.
func (s *session) endEvent(sequence int64) error {
	var at int
	s.out = append(s.out, 0, 0, 0, 0) // the empty frame
	s.out, at = protocol.OpenFrame(s.out)
	s.out = protocol.CloseFrame(protocol.AppendReturn(s.out, sequence), at)
	if err := s.flush(); err != nil {
		return err
	}
	return s.skipOwed()
}

// refuse ends an event with a reason in Kong's log, see the package
// documentation. Kong does not use the connection after it.
func (s *session) refuse(reason string) error {
	return s.refuseWith(harmless(reason))
}

func (s *session) refuseWith(reason string) error {
	s.out = protocol.AppendFrame(s.out, []byte(reason))
	s.out = protocol.AppendFrame(s.out, nil)
	if err := s.flush(); err != nil {
		return err
	}
	return errFinished
}
