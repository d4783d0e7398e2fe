package pluginserver

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

const (
	// ioTimeout bounds the wait for the rest of a frame that has begun, and for Kong to
	// take what is written. Kong sends a frame from memory.
	ioTimeout = 10 * time.Second
	// pieceSize is how much is written, or dropped, within one ioTimeout, in bytes.
	pieceSize = 256 << 10
	// replyTimeout bounds the wait for a reply to begin. It may be as long as a client
	// takes to send a body.
	replyTimeout = 5 * time.Minute
	// keepBuffer is the largest buffer that a session keeps for its next call, in bytes:
	// thousands of idle connections cost little.
	keepBuffer = 64 << 10
)

// bound sees to it that reads and writes from now on fail after ioTimeout, or
// a little earlier: to move a deadline costs, and it is left where it is for as
// long as it will do.
func (s *session) bound() (now time.Time) {
	now = time.Now()
	if s.bounded.Sub(now) < ioTimeout/2 {
		s.bounded = now.Add(ioTimeout)
		_ = s.nc.SetDeadline(s.bounded)
	}
	return now
}

// unbound lets reads and writes wait for as long as they like.
func (s *session) unbound() {
	s.bounded = time.Time{}
	_ = s.nc.SetDeadline(s.bounded)
}

// flush writes all that is held back.
func (s *session) flush() error {
	s.bound()
	err := s.put(s.out)
	s.out = s.out[:0]
	if err != nil {
		return fmt.Errorf("write to Kong: %w", err)
	}
	return nil
}

// put writes to Kong. What is large is written in pieces, each of which has ioTimeout: a
// busy node takes its time.
func (s *session) put(b []byte) error {
	for len(b) > pieceSize {
		if _, err := s.nc.Write(b[:pieceSize]); err != nil {
			return err
		}
		b = b[pieceSize:]
		s.bound()
	}
	_, err := s.nc.Write(b)
	return err
}

// write writes calls, in an event. The time that it takes is not the handler's.
func (s *session) write(b []byte) error {
	began := s.bound()
	err := s.put(b)
	s.waited.Add(int64(time.Since(began)))
	return err
}

// skipOwed reads and drops the replies that nobody waits for.
func (s *session) skipOwed() error {
	for ; s.owed > 0; s.owed-- {
		n, err := s.replyHead()
		if err != nil && !errors.Is(err, protocol.ErrTooLarge) {
			return err
		}
		if err := s.skip(n); err != nil {
			return err
		}
	}
	return nil
}

// skip drops bytes of a frame.
func (s *session) skip(n int) error {
	for n > 0 {
		s.bound()
		piece := min(n, pieceSize)
		if err := s.frames.Discard(piece); err != nil {
			return err
		}
		n -= piece
	}
	return nil
}

// replyHead reads the length of a reply, for which it waits for longer than for
// the bytes that follow.
func (s *session) replyHead() (int, error) {
	if s.frames.Buffered() == 0 {
		if err := s.awaitReply(); err != nil {
			return 0, err
		}
	}
	return s.frames.Head()
}

// awaitReply waits until Kong begins to reply.
func (s *session) awaitReply() error {
	asked := s.bound()
	defer func() { s.waited.Add(int64(s.bound().Sub(asked))) }()
	for {
		err := s.frames.Wait()
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(asked) > replyTimeout {
			return err
		}
		s.bound()
	}
}

// trimmed gives a buffer back that grew too large to keep.
func trimmed(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}
