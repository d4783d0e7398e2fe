package pluginserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// Kong takes no calls while it cannot get rid of a reply: were the socket's buffers full
// in both directions, each side would wait for the other to read. Linux gives each
// direction 208 KiB by default.
const (
	// maxOwed bounds the replies to pipelined calls that Kong has sent, or will send,
	// before anybody reads them. Each is an empty frame, which takes less than 1 KiB of
	// the buffer.
	maxOwed = 64
	// maxHeld is how many bytes of pipelined calls are held back before they are written,
	// so that they leave in few writes and Kong can begin with them meanwhile.
	maxHeld = 32 << 10
)

var (
	errNoCall = errors.New("read from Kong: no PDK call was made")
	errEnded  = errors.New("the event has ended: a *pdk.PDK is good for one event")
	errCutOff = errors.New("the event was cut off after its deadline: nothing more reaches Kong")
	errMethod = errors.New("PDK call without a method")
)

// methodPrefix starts every PDK method, and no argument: as protobuf it would
// open a group, which pluginsocket.proto has none of.
var methodPrefix = []byte("kong.")

// eventConn is the connection under the *pdk.PDK of one attempt at an event. It reads
// along what go-pdk's bridge writes (a method frame, then an argument frame), answers
// pipelined calls itself, and keeps the stream whole whatever a handler does: one that
// fails between two frames, panics, or goes on after its event.
//
// It lives from the start of an attempt until end or tick take the session back, between
// two PDK calls; from then on each of its methods fails. A handler may keep it, so that it
// is never used again.
//
// go-pdk's bridge writes a method before it encodes the argument, and returns
// if that fails, as it does for a header value that is not UTF-8. The method
// without argument is dropped here; on go-pdk's own server the next call would
// be taken for its argument.
type eventConn struct {
	// mu is held for the whole of a PDK call, also while Kong is waited for, and by
	// whoever takes the session back. It guards what follows, but for what is set before
	// the attempt begins, and the session's reading and writing.
	mu      sync.Mutex
	session *session
	err     error // why no more calls can be made, nil while they can

	// session.out[:frame] holds whole calls, and a method if inArgs.
	frame  int // where the frame that is being written begins
	method int // where its call's method frame begins, if inArgs
	inArgs bool

	reply  replyState
	head   [protocol.HeadSize]byte // the length of the reply that is being read
	given  int                     // how many bytes of head were given to the plugin
	left   int                     // bytes of the body that were not
	exited bool
	tooBig bool    // with a 500, in place of an answer that was too large
	kong   pdk.PDK // what the plugin has of it
	ended  bool    // the session was taken back

	calls      int // PDK calls made
	prefetched prefetched

	// What it takes to cut the plugin off, see overrun. Only next and ticks change during
	// the attempt, and ctx, which guards itself.
	ctx     eventContext
	event   *event
	breaker *breaker
	trial   bool   // the breaker is open, and waits for how this ends
	label   uint64 // of the goroutine that runs the plugin
	next    int64  // when the next tick is due, by the session's clock, 0 before the deadline
	ticks   int    // that came in time after the deadline
}

// replyState is where the plugin is with the reply to its last call.
type replyState uint8

const (
	noReply      replyState = iota // read, or no call made
	replyAwaited                   // not read from Kong yet
	replyReading                   // being given to the plugin
)

// conn is a connection for a further attempt at an event: it leaves what an
// earlier one holds back as it is.
func (s *session) conn() *eventConn { return &eventConn{session: s, frame: len(s.out)} }

// Write takes what the bridge writes, and sends it when it must.
func (c *eventConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.session.out = append(c.session.out, p...)
	for {
		more, err := c.advance()
		if err != nil {
			return 0, err
		}
		if !more {
			return len(p), nil
		}
	}
}

// advance takes the next whole frame, if there is one.
func (c *eventConn) advance() (more bool, err error) {
	written := c.session.out[c.frame:]
	if len(written) < protocol.HeadSize {
		return false, nil
	}
	n := int64(binary.LittleEndian.Uint32(written))
	if n > int64(c.session.frames.Limit()) {
		return false, c.tooLarge(n)
	}
	if int64(len(written)-protocol.HeadSize) < n {
		return false, nil
	}
	data := written[protocol.HeadSize : protocol.HeadSize+n]
	switch {
	case !c.inArgs && n == 0:
		c.drop()
		return false, errMethod
	case !c.inArgs:
		c.method, c.inArgs = c.frame, true
		c.frame += protocol.HeadSize + int(n)
		return true, nil
	case bytes.HasPrefix(data, methodPrefix):
		return true, c.dropMethod()
	default:
		name := c.session.out[c.method+protocol.HeadSize : c.frame]
		c.frame += protocol.HeadSize + int(n)
		c.inArgs = false
		return true, c.called(c.session.srv.metrics.call(name))
	}
}

// called does what a whole call needs.
func (c *eventConn) called(entry callEntry) error {
	entry.count.Inc()
	c.calls++
	if err := c.dropReply(); err != nil {
		return err
	}
	if i, found := c.prefetched.find(c.session.out[c.method:c.frame]); found {
		return c.answerPrefetched(i)
	}
	switch {
	case entry.exits:
		err := c.send()
		c.exited = err == nil
		c.err = io.EOF
		return err
	case entry.pipelined:
		return c.pipeline()
	default:
		c.reply = replyAwaited
		return nil
	}
}

// pipeline answers the call with an empty frame, and owes the real reply.
func (c *eventConn) pipeline() error {
	c.startReply(0)
	c.session.owed++
	if c.session.owed >= maxOwed {
		return c.catchUp()
	}
	if c.frame >= maxHeld {
		return c.send()
	}
	return nil
}

// startReply begins to give the plugin a reply of so many bytes.
func (c *eventConn) startReply(size int) {
	c.reply, c.given, c.left = replyReading, 0, size
	binary.LittleEndian.PutUint32(c.head[:], uint32(size))
}

// send writes the whole calls that are held back. It reads the declared replies first:
// Kong stops taking calls when it cannot get rid of a reply.
func (c *eventConn) send() error {
	if c.prefetched.unread() > 0 {
		if err := c.keep(len(c.prefetched.calls)); err != nil {
			return err
		}
	}
	out := c.session.out
	if c.frame == 0 {
		return nil
	}
	if err := c.session.write(out[:c.frame]); err != nil {
		return c.fail(err)
	}
	c.session.out = out[:copy(out, out[c.frame:])]
	c.frame = 0
	return nil
}

// catchUp sends what is held back and drops the replies that are owed: what Kong sends
// next is the reply to the last call.
func (c *eventConn) catchUp() error {
	if err := c.send(); err != nil {
		return err
	}
	if err := c.session.skipOwed(); err != nil {
		return c.fail(err)
	}
	return nil
}

// Read gives the reply of the last call to the bridge.
func (c *eventConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case c.reply == noReply:
		return 0, errNoCall
	case c.reply == replyAwaited:
		if err := c.await(); err != nil {
			return 0, err
		}
	}
	return c.deliver(p)
}

// await reads the head of the real reply.
func (c *eventConn) await() error {
	if err := c.catchUp(); err != nil {
		return err
	}
	return c.readHead()
}

// readHead reads how long the next reply is.
func (c *eventConn) readHead() error {
	n, err := c.session.replyHead()
	if errors.Is(err, protocol.ErrTooLarge) {
		return c.skipReply(n, err)
	}
	if err != nil {
		return c.fail(err)
	}
	c.startReply(n)
	return nil
}

func (c *eventConn) deliver(p []byte) (n int, err error) {
	switch {
	case c.given < protocol.HeadSize:
		n = copy(p, c.head[c.given:])
		c.given += n
	case c.prefetched.giving > 0:
		n = copy(p, c.prefetched.last(c.left))
		c.left -= n
	default:
		if c.left > protocol.BufferSize {
			c.session.bound() // a body takes its time
		}
		n, err = c.session.frames.Read(p[:min(len(p), c.left)])
		c.left -= n
		if err != nil {
			return n, c.fail(err)
		}
	}
	if c.given == protocol.HeadSize && c.left == 0 {
		c.reply, c.prefetched.giving = noReply, 0
	}
	return n, nil
}

// dropReply forgets a reply that the plugin has not read to its end.
func (c *eventConn) dropReply() error {
	switch c.reply {
	case replyAwaited:
		c.session.owed++
	case replyReading:
		if c.prefetched.giving > 0 {
			break
		}
		if err := c.session.frames.Discard(c.left); err != nil {
			return c.fail(err)
		}
	}
	c.reply, c.prefetched.giving = noReply, 0
	return nil
}

// drop forgets the call that is being written.
func (c *eventConn) drop() {
	if c.inArgs {
		c.frame, c.inArgs = c.method, false
	}
	c.session.out = c.session.out[:c.frame]
}

// dropMethod forgets a method whose argument never came; what follows it is
// the next method.
func (c *eventConn) dropMethod() error {
	if c.exiting() {
		return c.exitTooLarge()
	}
	c.session.out = slices.Delete(c.session.out, c.method, c.frame)
	c.frame, c.inArgs = c.method, false
	return nil
}

// fail ends the connection's use.
func (c *eventConn) fail(err error) error {
	c.err = err
	return err
}

// toBoundary brings the stream between two calls: a plugin may have stopped in
// the middle of one.
func (c *eventConn) toBoundary() error {
	if c.err != nil {
		return c.err
	}
	if c.exiting() {
		return c.exitTooLarge()
	}
	c.drop()
	err := c.dropReply()
	c.dropPrefetched()
	return err
}

// end takes the connection from the plugin, between two calls. It waits for a
// call that is under way. late is what later calls fail with.
func (c *eventConn) end(late error) ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(late)
}

// take is end with mu held.
func (c *eventConn) take(late error) ending {
	if c.ended {
		return ending{taken: true}
	}
	broken := c.toBoundary()
	c.ended, c.err = true, late
	c.ctx.end(canceled)
	if c.exited {
		return ending{exited: true, tooBig: c.tooBig}
	}
	return ending{broken: broken}
}

// Close does nothing: the connection is not the plugin's. go-pdk calls it
// after an exit, when Kong may still be reading.
func (c *eventConn) Close() error { return nil }

// LocalAddr is the plugin server's address.
func (c *eventConn) LocalAddr() net.Addr { return c.session.nc.LocalAddr() }

// RemoteAddr is Kong's address.
func (c *eventConn) RemoteAddr() net.Addr { return c.session.nc.RemoteAddr() }

// SetDeadline does nothing: Kong waits for an event as long as its own socket
// timeout allows (60 s), and a handler bounds its own work.
func (c *eventConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (c *eventConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (c *eventConn) SetWriteDeadline(time.Time) error { return nil }
