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
)

const (
	// linger is how long an idle connection is listened to when the server
	// drains: a call that Kong has just sent is still served.
	linger = 5 * time.Millisecond
	// hangUpTimeout bounds the wait for Kong to close its half.
	hangUpTimeout = 5 * time.Second
	// ioTimeout bounds the wait for the rest of a frame that has begun, and for
	// Kong to read what is written. Kong sends a frame from memory.
	ioTimeout = 10 * time.Second
	// pieceSize is how much is written at a time.
	pieceSize = 256 << 10
	// replyTimeout bounds the wait for the reply to a PDK call. It may be as
	// long as a client takes to send a body.
	replyTimeout = 5 * time.Minute
)

// The ways in which a connection ends in order.
var (
	errFinished = errors.New("finished") // Kong will not write on it any more
	errDrained  = errors.New("drained")  // Kong may be about to
)

// link is one connection from Kong. Kong makes one call at a time on it. One
// goroutine has it at a time: its own, until it is cut off in an event.
type link struct {
	srv     *Server
	nc      net.Conn
	inbox   *inbox
	outbox  *outbox
	frames  frameReader
	in      []byte    // the call that is being served
	out     []byte    // frames not written yet
	owed    int       // replies to pipelined calls that were not read yet
	bounded time.Time // the deadline that is set on nc, zero for none
	release func()    // called when the link has ended
	label   uint64    // of the goroutine that has it

	waited atomic.Int64 // nanoseconds in which Kong was waited for, in all events

	began   time.Time
	timer   *time.Timer               // calls overrun
	fires   atomic.Int64              // when the timer fires, see clock; 0 if it is not set
	current atomic.Pointer[eventConn] // the attempt under way, nil for none

	mu       sync.Mutex
	parked   bool // waiting for a call
	draining bool
	used     bool // has served a call
}

func newLink(srv *Server, nc net.Conn) *link {
	in := newInbox(nc)
	l := &link{srv: srv, nc: nc, inbox: in, outbox: newOutbox(nc), frames: newFrameReader(in, srv.opts.MaxFrame), release: func() {}, began: time.Now()}
	l.timer = time.AfterFunc(math.MaxInt64, l.overrun)
	l.timer.Stop()
	return l
}

// serve answers calls until Kong hangs up, the server drains, or something is
// wrong, which it returns.
func (l *link) serve() error {
	for {
		if !l.park() {
			return errDrained
		}
		err := l.frames.wait()
		draining := l.unpark()
		switch {
		case errors.Is(err, io.EOF):
			return errFinished
		case draining && errors.Is(err, os.ErrDeadlineExceeded):
			return errDrained
		case errors.Is(err, os.ErrDeadlineExceeded):
			l.unbound() // one that was left from the last call
			continue
		case err != nil:
			return fmt.Errorf("wait for call: %w", err)
		}
		l.bound()
		if err := l.inbox.settle(l.frames.r.Buffered()); err != nil {
			return fmt.Errorf("take what was read: %w", err)
		}
		if l.in, err = l.frames.frame(l.in); err != nil {
			return fmt.Errorf("read call: %w", err)
		}
		if err := l.answer(); err != nil {
			return err
		}
		l.in, l.out = trimmed(l.in), trimmed(l.out)
	}
}

// bound sees to it that reads and writes from now on fail after ioTimeout, or
// a little earlier: to move a deadline costs, and it is left where it is for as
// long as it will do.
func (l *link) bound() (now time.Time) {
	now = time.Now()
	if l.bounded.Sub(now) < ioTimeout/2 {
		l.bounded = now.Add(ioTimeout)
		_ = l.nc.SetDeadline(l.bounded)
	}
	return now
}

func (l *link) unbound() {
	l.bounded = time.Time{}
	_ = l.nc.SetDeadline(l.bounded)
}

// park waits for a call, unless the server drains and Kong had its turn, or has
// it in the next process.
func (l *link) park() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining && (l.used || l.srv.opts.Handover != nil) {
		return false
	}
	if l.draining {
		_ = l.nc.SetReadDeadline(time.Now().Add(linger))
	}
	l.parked = true
	return true
}

// unpark reports whether the server drains.
func (l *link) unpark() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked, l.used = false, true
	if l.draining {
		l.unbound()
	}
	return l.draining
}

// drain lets the link end with its current call, or soon if it has none.
func (l *link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	switch {
	case !l.parked:
	case l.srv.opts.Handover != nil:
		_ = l.nc.SetReadDeadline(time.Now())
	default:
		_ = l.nc.SetReadDeadline(time.Now().Add(linger))
	}
}

// cut ends the link in mid-event, which fails in Kong. It is not run again
// elsewhere: that would start all instances of the plugin anew, see inbox.
func (l *link) cut() {
	if conn := l.current.Load(); conn != nil {
		conn.ctx.end(canceled)
	}
	_ = l.nc.Close()
}

// leave gives the connection to the next process, or else hangs up. Nothing is
// under way on it. A call that came with the last reply is the next process' too.
func (l *link) leave() {
	if err := l.give(); err != nil {
		l.hangUp()
	}
}

var errNoHandover = errors.New("there is no next process that the connection could go to")

func (l *link) give() error {
	conn, ok := l.nc.(*net.UnixConn)
	unused := l.frames.r.Buffered()
	if l.srv.opts.Handover == nil || !ok || !l.inbox.holds(unused) {
		return errNoHandover
	}
	if err := l.inbox.settle(unused); err != nil {
		return err
	}
	return l.srv.opts.Handover.Give(conn)
}

// hangUp ends the connection so that Kong reads a clean end of it: Kong then
// drops an idle connection from its pool, or runs an event that it has just
// sent once more, elsewhere. To close with bytes unread would be a reset, and
// a 500 for that request.
func (l *link) hangUp() {
	if half, ok := l.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = l.nc.SetReadDeadline(time.Now().Add(hangUpTimeout))
		_, _ = io.Copy(io.Discard, l.nc)
	}
	_ = l.nc.Close()
}

// answer serves the call in l.in.
func (l *link) answer() error {
	c, err := decodeCall(l.in)
	if err != nil {
		return err
	}
	if c.other == nil {
		return l.event(c)
	}
	ret := &kpp.RpcReturn{Sequence: c.sequence}
	switch cmd := c.other.Call.(type) {
	case *kpp.RpcCall_CmdHandleEvent:
		return l.unusualEvent(c, cmd.CmdHandleEvent)
	case *kpp.RpcCall_CmdStartInstance:
		inst := l.srv.instances.start(cmd.CmdStartInstance.GetName(), cmd.CmdStartInstance.GetConfig())
		ret.Return = inst.status()
	case *kpp.RpcCall_CmdCloseInstance:
		ret.Return = l.srv.instances.closeOne(cmd.CmdCloseInstance.GetInstanceId()).status()
	case *kpp.RpcCall_CmdGetInstanceStatus:
		ret.Return = l.srv.instances.find(cmd.CmdGetInstanceStatus.GetInstanceId()).status()
	case *kpp.RpcCall_CmdGetPluginNames:
		ret.Return = &kpp.RpcReturn_PluginNames{PluginNames: &kpp.PluginNames{Names: l.srv.names}}
	case *kpp.RpcCall_CmdGetPluginInfo:
		ret.Return = l.srv.pluginInfo(cmd.CmdGetPluginInfo.GetName())
	default:
		return errors.New("decode call: it has no command")
	}
	return l.reply(ret)
}

func (l *link) reply(ret *kpp.RpcReturn) error {
	var at int
	var err error
	l.out, at = openFrame(l.out)
	if l.out, err = (proto.MarshalOptions{}).MarshalAppend(l.out, ret); err != nil {
		return fmt.Errorf("encode return: %w", err)
	}
	l.out = closeFrame(l.out, at)
	return l.flush()
}

// unusualEvent is an event that decodeEvent left alone.
func (l *link) unusualEvent(c call, cmd *kpp.CmdHandleEvent) error {
	p, ok := phaseOf([]byte(cmd.GetEventName()))
	if !ok {
		l.srv.metrics.events("unknown", "unknown", outcomeNames[outcomeRefused]).Inc()
		return l.refuse("no phase " + cmd.GetEventName() + " in this plugin server")
	}
	return l.event(call{sequence: c.sequence, instanceID: cmd.GetInstanceId(), phase: p})
}

// endEvent ends an event normally, in one write with the calls that are held
// back, and drops what Kong still owes.
func (l *link) endEvent(sequence int64) error {
	var at int
	l.out = append(l.out, 0, 0, 0, 0) // the empty frame
	l.out, at = openFrame(l.out)
	l.out = closeFrame(appendReturn(l.out, sequence), at)
	if err := l.flush(); err != nil {
		return err
	}
	return l.skipOwed()
}

// refuse ends an event with a reason in Kong's log, see the package
// documentation. Kong does not use the connection after it.
func (l *link) refuse(reason string) error {
	return l.refuseWith(harmless(reason))
}

func (l *link) refuseWith(reason string) error {
	l.out = appendFrame(l.out, []byte(reason))
	l.out = appendFrame(l.out, nil)
	if err := l.flush(); err != nil {
		return err
	}
	return errFinished
}

func (l *link) flush() error {
	l.bound()
	err := l.put(l.out)
	l.out = l.out[:0]
	if err != nil {
		return fmt.Errorf("write to Kong: %w", err)
	}
	return nil
}

// put writes to Kong. What is large is written in pieces, each of which has ioTimeout:
// a busy node takes its time.
func (l *link) put(b []byte) error {
	for len(b) > pieceSize {
		if _, err := l.outbox.Write(b[:pieceSize]); err != nil {
			return err
		}
		b = b[pieceSize:]
		l.bound()
	}
	_, err := l.outbox.Write(b)
	return err
}

// write writes calls, in an event.
func (l *link) write(b []byte) error {
	began := l.bound()
	err := l.put(b)
	l.waited.Add(int64(time.Since(began)))
	return err
}

// skipOwed reads and drops the replies of pipelined calls.
func (l *link) skipOwed() error {
	for ; l.owed > 0; l.owed-- {
		n, err := l.replyHead()
		if err != nil && !errors.Is(err, errFrameTooLarge) {
			return err
		}
		if err := l.skip(n); err != nil {
			return err
		}
	}
	return nil
}

// replyHead reads the length of a reply, for which it waits for longer than for
// the bytes that follow.
func (l *link) replyHead() (int, error) {
	if l.frames.r.Buffered() == 0 {
		if err := l.awaitReply(); err != nil {
			return 0, err
		}
	}
	return l.frames.head()
}

// awaitReply waits until Kong begins to reply.
func (l *link) awaitReply() error {
	asked := l.bound()
	defer func() { l.waited.Add(int64(l.bound().Sub(asked))) }()
	for {
		err := l.frames.wait()
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(asked) > replyTimeout {
			return err
		}
		l.bound()
	}
}
