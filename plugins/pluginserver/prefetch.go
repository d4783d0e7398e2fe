package pluginserver

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// A configuration may declare what its handlers read (see prefetcher). At the event's
// first call that is among the declared ones, all of them go to Kong in one write, and
// Kong's replies wait in the socket while the handler works. A round trip costs both
// sides a wait and several system calls: five reads in one cost little more than one.
//
// The handler may make the declared calls in any order, leave some out, and make other
// calls in between. Kong replies in order, so a reply that is not the one wanted next
// is read and kept. A declared call that is made a second time is asked anew.

const (
	// maxPrefetch is how many reads of a phase are asked for together, and
	// maxPrefetchBytes how long they are as frames: Kong must be able to take all of
	// them without replying. Further declared reads are asked for one by one.
	maxPrefetch      = 16
	maxPrefetchBytes = 4 << 10
	// maxKept is the longest reply, in bytes, that is kept for a later call, so that
	// an event keeps 1 MiB at most. A longer one is dropped, and asked for anew.
	maxKept = 64 << 10
)

// prefetch is the declared reads of one phase as they are written to Kong.
type prefetch struct {
	frames []byte   // of all calls
	calls  [][]byte // the same call by call: a method frame and an argument frame each
}

// prefetchOf asks a configuration what its handlers read.
func prefetchOf(config any, h handlers) (declared [phaseCount]*prefetch, err error) {
	c, ok := config.(prefetcher)
	if !ok {
		return declared, nil
	}
	for ph := range h {
		if h[ph] != nil && err == nil {
			declared[ph], err = encodePrefetch(c.Prefetch(phaseNames[ph]))
		}
	}
	return declared, err
}

// encodePrefetch returns nil where one round trip cannot bring more than one reply.
func encodePrefetch(reads [][2]string) (*prefetch, error) {
	p := &prefetch{}
	for _, read := range reads {
		method, arg := read[0], read[1]
		if awaited[method] != answers {
			return nil, fmt.Errorf("Prefetch: %q is no PDK method that reads", method)
		}
		args, err := encodeArgument(method, arg)
		if err != nil {
			return nil, fmt.Errorf("Prefetch: argument of %s: %w", method, err)
		}
		call := protocol.AppendFrame(protocol.AppendFrame(nil, []byte(method)), args)
		full := len(p.calls) == maxPrefetch || len(p.frames)+len(call) > maxPrefetchBytes
		if !full && !slices.ContainsFunc(p.calls, func(c []byte) bool { return bytes.Equal(c, call) }) {
			p.calls, p.frames = append(p.calls, call), append(p.frames, call...)
		}
	}
	if len(p.calls) < 2 {
		return nil, nil
	}
	return p, nil
}

// counting are the methods whose argument says how many there may be: a number.
var counting = []string{
	"kong.request.get_headers", "kong.request.get_query", "kong.response.get_headers", "kong.service.response.get_headers",
}

func encodeArgument(method, arg string) ([]byte, error) {
	if !slices.Contains(counting, method) {
		return proto.Marshal(bridge.WrapString(arg))
	}
	n, err := strconv.ParseInt(arg, 10, 32)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&kong_plugin_protocol.Int{V: int32(n)})
}

// prefetched is where an event is with its declared reads.
type prefetched struct {
	*prefetch          // nil if nothing is declared
	kept      [][]byte // replies, by call, that were read before the handler made the call
	done      uint16   // a bit for each call that the next one like it is not answered by
	read      uint8    // replies that were read from Kong
	giving    uint8    // one more than which of kept the plugin reads, 0 for none
	sent      bool
}

// find returns which declared call, whose reply is still to be had, a call is.
func (p *prefetched) find(call []byte) (i int, found bool) {
	if p.prefetch == nil {
		return 0, false
	}
	for i, declared := range p.calls {
		if p.done&(1<<i) == 0 && bytes.Equal(call, declared) {
			return i, true
		}
	}
	return 0, false
}

// unread is how many replies Kong has sent, or will, that were not read.
func (p *prefetched) unread() int {
	if !p.sent {
		return 0
	}
	return len(p.calls) - int(p.read)
}

// last is the last n bytes of the reply that the plugin reads.
func (p *prefetched) last(n int) []byte {
	reply := p.kept[p.giving-1]
	return reply[len(reply)-n:]
}

// answerPrefetched prepares the reply to a declared call, which has just been written.
func (c *eventConn) answerPrefetched(i int) error {
	p := &c.prefetched
	p.done |= 1 << i
	if p.sent {
		c.session.out = slices.Delete(c.session.out, c.method, c.frame)
		c.frame = c.method
	} else {
		c.session.out = slices.Replace(c.session.out, c.method, c.frame, p.frames...)
		c.frame = c.method + len(p.frames)
		if err := c.catchUp(); err != nil { // from here on, what is owed comes after the declared replies
			return err
		}
		p.sent = true
	}
	if i < int(p.read) {
		c.startReply(len(p.kept[i]))
		p.giving = uint8(i + 1)
		return nil
	}
	if err := c.keep(i); err != nil {
		return err
	}
	p.read++
	return c.readHead()
}

// keep reads the replies to declared calls before the i-th, and keeps them.
func (c *eventConn) keep(i int) error {
	p := &c.prefetched
	for ; int(p.read) < i; p.read++ {
		n, err := c.session.replyHead()
		switch {
		case errors.Is(err, protocol.ErrTooLarge), err == nil && n > maxKept:
			p.done |= 1 << p.read
			err = c.session.skip(n)
		case err == nil:
			if p.kept == nil {
				p.kept = make([][]byte, len(p.calls))
			}
			p.kept[p.read] = make([]byte, n)
			err = c.session.frames.ReadFull(p.kept[p.read])
		}
		if err != nil {
			return c.fail(err)
		}
	}
	return nil
}

// dropPrefetched has the replies dropped that nobody has asked for.
func (c *eventConn) dropPrefetched() {
	c.session.owed += c.prefetched.unread()
	c.prefetched = prefetched{}
}
