package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/balancer"
)

// connectError is a failure before the request was sent.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// handshakeError is a failure to open TLS, before the request was sent.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// tryError is a failed try: the status that nginx makes of it, and its words in
// the error log.
type tryError struct {
	status  int
	message string
	sent    bool // the upstream may have got the request
	err     error
}

func (e *tryError) Error() string { return e.err.Error() }
func (e *tryError) Unwrap() error { return e.err }

// noTarget is the failure of a request for which no target is left after a try.
var noTarget = &tryError{status: http.StatusServiceUnavailable, err: errors.New("no healthy target is left")}

// kind is how the failure counts against its target.
func (e *tryError) kind() balancer.Failure {
	if e.status == http.StatusGatewayTimeout {
		return balancer.Timeout
	}
	return balancer.TCP
}

// retriable reports whether another try may follow. It may not if the request was sent
// and its method must not be repeated, or if its body cannot be sent again.
func (e *tryError) retriable(req *http.Request) bool {
	if errors.Is(e.err, context.Canceled) {
		return false
	}
	if !e.sent {
		return true
	}
	switch req.Method {
	case http.MethodPost, http.MethodPatch, "LOCK":
		return false
	default:
		return req.GetBody != nil || req.Body == nil
	}
}

func classify(err error) *tryError {
	var connect *connectError
	var errno syscall.Errno
	var shake *handshakeError
	var unverified *tls.CertificateVerificationError
	isConnect, isErrno, isHandshake := errors.As(err, &connect), errors.As(err, &errno), errors.As(err, &shake)
	e := &tryError{status: http.StatusBadGateway, sent: !isConnect && !isHandshake, err: err}
	switch {
	case isTimeout(err) && isHandshake:
		e.status, e.message = http.StatusGatewayTimeout, "upstream timed out (110: Connection timed out) while SSL handshaking to upstream"
	case errors.As(err, &unverified):
		e.message = fmt.Sprintf("upstream SSL certificate verify error: (%v) while SSL handshaking to upstream", unverified.Err)
	case isHandshake:
		e.message = fmt.Sprintf("SSL_do_handshake() failed (%v) while SSL handshaking to upstream", err)
	case isTimeout(err) && isConnect:
		e.status, e.message = http.StatusGatewayTimeout, "upstream timed out (110: Connection timed out) while connecting to upstream"
	case isTimeout(err):
		e.status, e.message = http.StatusGatewayTimeout, "upstream timed out (110: Connection timed out) while reading response header from upstream"
	case isConnect && isErrno:
		e.message = fmt.Sprintf("connect() failed (%d: %s) while connecting to upstream", int(errno), capital(errno.Error()))
	case isConnect:
		e.message = fmt.Sprintf("connect() failed (%v) while connecting to upstream", err)
	case isErrno:
		e.message = fmt.Sprintf("recv() failed (%d: %s) while reading response header from upstream", int(errno), capital(errno.Error()))
	case malformed(err):
		e.message = "upstream sent no valid HTTP/1.0 header while reading response header from upstream"
	default:
		e.message = "upstream prematurely closed connection while reading response header from upstream"
	}
	return e
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// malformed reports whether there was a response, but not one of HTTP.
func malformed(err error) bool {
	return strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "malformed MIME")
}

// capital writes an error as the C library does: "Connection refused".
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
