package kongtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// Serve answers PDK calls on conn until the plugin ends its event with an empty
// frame, and returns nil then. A [*ServerError] is a failure of the plugin or of what
// runs it; any other error is what pdk returned, or of writing to conn. The caller
// closes conn.
func Serve(conn io.ReadWriter, pdk PDK) error {
	for {
		method, err := ReadFrame(conn)
		if err != nil {
			return &ServerError{Err: inLuasWords(err)}
		}
		if len(method) == 0 {
			return nil
		}
		args, err := ReadFrame(conn)
		if err != nil {
			return &ServerError{Err: inLuasWords(err)}
		}
		reply, err := pdk.Answer(string(method), args)
		if errors.Is(err, ErrNoMethod) {
			return &ServerError{Err: fmt.Errorf("method %q %w", method, err)}
		}
		if err != nil {
			return err
		}
		if err := WriteFrame(conn, reply); err != nil {
			return fmt.Errorf("send reply: %w", err)
		}
	}
}

// ErrClosed is what Kong calls "closed": the plugin server ended the connection
// cleanly before it answered.
var ErrClosed = errors.New("closed")

// ServerError is a failure of the plugin server. Kong's rpc:call returns it where it
// throws any other error: Kong logs it and answers the request with a 500, unless
// ShouldRestart.
type ServerError struct {
	Err        error // in the words of Kong's log
	Connecting bool  // the server could not be reached
}

func (e *ServerError) Error() string { return e.Err.Error() }
func (e *ServerError) Unwrap() error { return e.Err }

// ShouldRestart reports whether Kong answers err of an event by starting the
// plugin's instances anew and running the event again. It looks for two phrases in the
// text, wherever they are.
func ShouldRestart(err error) bool {
	var server *ServerError
	if !errors.As(err, &server) {
		return false
	}
	text := strings.ToLower(server.Error())
	return strings.Contains(text, "no plugin instance") || strings.Contains(text, "closed")
}

// inLuasWords puts an error of a socket in OpenResty's words: without Go's prefixes,
// and "closed" for every clean end of the connection, in the middle of a frame or not.
func inLuasWords(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrClosed
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("timeout")
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
