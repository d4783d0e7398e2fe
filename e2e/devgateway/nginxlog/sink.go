// Package nginxlog writes lines as nginx does: access lines in a log_format,
// error lines with their context, to a syslog socket.
package nginxlog

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Severity is nginx's level of a line, which is syslog's too.
type Severity int

// The severities, from the worst on.
const (
	Emerg Severity = iota
	Alert
	Crit
	Err
	Warn
	Notice
	Info
	Debug
)

func (s Severity) String() string {
	return [...]string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}[s]
}

// Sink takes lines without their line feed. It is safe for concurrent use, and
// it drops what it cannot write, as nginx does.
type Sink interface {
	Line(s Severity, line string)
	io.Closer
}

// Open reads the value of KONG_PROXY_ACCESS_LOG or KONG_PROXY_ERROR_LOG:
// "syslog:server=unix:/path,nohostname", followed by the name of a format for an
// access log, or nothing, for no log.
func Open(setting string) (sink Sink, format string, err error) {
	if setting == "" {
		return discard{}, "", nil
	}
	target, format, _ := strings.Cut(setting, " ")
	path, isUnix := strings.CutPrefix(target, "syslog:server=unix:")
	path, nameless := strings.CutSuffix(path, ",nohostname")
	if !isUnix || !nameless || strings.Contains(path, ",") {
		return nil, "", fmt.Errorf("open log %q: the dev gateway supports syslog:server=unix:/path,nohostname only; `make up` runs Kong", setting)
	}
	return &syslog{addr: path, now: time.Now}, format, nil
}

type discard struct{}

func (discard) Line(Severity, string) {}
func (discard) Close() error          { return nil }

// syslog sends each line as one datagram, in the form of nginx's
// src/core/ngx_syslog.c: <PRI>Mmm dd hh:mm:ss tag: line.
type syslog struct {
	addr string
	now  func() time.Time

	mu   sync.Mutex
	conn net.Conn
}

func (s *syslog) Line(severity Severity, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	msg := s.header(severity) + line
	for range 2 { // once more after the reader came back
		if s.conn == nil {
			conn, err := new(net.Dialer).DialContext(context.Background(), "unixgram", s.addr)
			if err != nil {
				return
			}
			s.conn = conn
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(s.conn, msg); err == nil {
			return
		}
		_ = s.conn.Close()
		s.conn = nil
	}
}

// header has nginx's own facility and tag.
func (s *syslog) header(severity Severity) string {
	const local7 = 23
	return fmt.Sprintf("<%d>%s nginx: ", local7*8+int(severity), s.now().Format("Jan _2 15:04:05"))
}

func (s *syslog) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
