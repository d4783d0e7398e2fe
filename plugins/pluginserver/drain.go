package pluginserver

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	// linger is how long an idle connection is listened to when the server drains: a call
	// that Kong has just sent is still answered.
	linger = 5 * time.Millisecond
	// hangUpTimeout bounds the wait for Kong to close its half of the connection.
	hangUpTimeout = 5 * time.Second
)

// drain lets the session end with its current call, or soon if it has none. It may be
// called by any goroutine.
func (s *session) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	switch {
	case !s.idle:
	case s.srv.opts.Handover != nil:
		_ = s.nc.SetReadDeadline(time.Now())
	default:
		_ = s.nc.SetReadDeadline(time.Now().Add(linger))
	}
}

// cut ends the session in mid-event, by any goroutine. The event fails in Kong, and is not
// run again elsewhere: that would start all instances of the plugin anew, see
// [peek.Reader].
func (s *session) cut() {
	if conn := s.current.Load(); conn != nil {
		conn.ctx.end(canceled)
	}
	_ = s.nc.Close()
}

// leave gives the connection to the next process, or else hangs up. Nothing is
// under way on it. A call that came with the last reply is the next process' too.
func (s *session) leave() {
	if err := s.give(); err != nil {
		s.hangUp()
	}
}

var errNoHandover = errors.New("there is no next process that the connection could go to")

func (s *session) give() error {
	conn, ok := s.nc.(*net.UnixConn)
	unused := s.frames.Buffered()
	if s.srv.opts.Handover == nil || !ok || !s.reader.Holds(unused) {
		return errNoHandover
	}
	if err := s.reader.Take(unused); err != nil {
		return err
	}
	return s.srv.opts.Handover.Give(conn)
}

// hangUp ends the connection so that Kong reads a clean end of it: Kong then
// drops an idle connection from its pool, or runs an event that it has just
// sent once more, elsewhere. To close with bytes unread would be a reset, and
// a 500 for that request.
func (s *session) hangUp() {
	if half, ok := s.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = s.nc.SetReadDeadline(time.Now().Add(hangUpTimeout))
		_, _ = io.Copy(io.Discard, s.nc)
	}
	_ = s.nc.Close()
}
