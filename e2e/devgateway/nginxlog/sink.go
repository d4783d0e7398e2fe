// Package nginxlog writes lines as nginx does: access lines in a log_format,
// error lines with their context, to a file, a standard stream, or a syslog
// socket.
package nginxlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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

// ParseSeverity reads a value of KONG_LOG_LEVEL.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("log level %q: expected one of %s", name, strings.Join(severityNames[:], ", "))
}

var severityNames = [...]string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

func (s Severity) String() string { return severityNames[s] }

// Sink takes lines without their line feed. It is safe for concurrent use, and
// it drops what it cannot write, as nginx does.
type Sink interface {
	Line(s Severity, line string)
	io.Closer
}

// Setting is the value of KONG_PROXY_ACCESS_LOG or KONG_PROXY_ERROR_LOG.
type Setting struct {
	Sink   Sink
	Format string // the name of a log_format, or ""
}

// Open reads a setting: a path, /dev/stdout, /dev/stderr, off, or
// "syslog:server=unix:/path,nohostname" with facility, severity and tag if
// wanted; each may be followed by the name of a format.
func Open(setting string) (Setting, error) {
	target, format, _ := strings.Cut(strings.TrimSpace(setting), " ")
	s := Setting{Format: strings.TrimSpace(format)}
	var err error
	switch {
	case target == "" || target == "off":
		s.Sink = discard{}
	case target == "/dev/stdout":
		s.Sink = &stream{w: os.Stdout}
	case target == "/dev/stderr":
		s.Sink = &stream{w: os.Stderr}
	case strings.HasPrefix(target, "syslog:"):
		s.Sink, err = openSyslog(strings.TrimPrefix(target, "syslog:"))
	default:
		s.Sink, err = openFile(target)
	}
	if err != nil {
		return Setting{}, fmt.Errorf("open log %q: %w", setting, err)
	}
	return s, nil
}

type discard struct{}

func (discard) Line(Severity, string) {}
func (discard) Close() error          { return nil }

// stream writes lines to a file, each in one write.
type stream struct {
	mu   sync.Mutex
	w    io.Writer
	file *os.File // what Close closes, or nil
}

func openFile(path string) (Sink, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	return &stream{w: f, file: f}, nil
}

// NewSink writes lines to w.
func NewSink(w io.Writer) Sink { return &stream{w: w} }

func (s *stream) Line(_ Severity, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.w, line+"\n")
}

func (s *stream) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// syslog sends each line as one datagram, in the form of nginx's
// src/core/ngx_syslog.c: <PRI>Mmm dd hh:mm:ss [host] tag: line.
type syslog struct {
	addr     string
	facility int
	severity Severity // of lines that have none of their own
	tag      string
	hostname string // with a space after it, or ""
	now      func() time.Time

	mu   sync.Mutex
	conn net.Conn
}

func openSyslog(options string) (Sink, error) {
	s := &syslog{facility: 23, severity: Info, tag: "nginx", now: time.Now}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	s.hostname = host + " "
	for option := range strings.SplitSeq(options, ",") {
		if err := s.option(option); err != nil {
			return nil, err
		}
	}
	if s.addr == "" {
		return nil, errors.New("no syslog server in it; write syslog:server=unix:/path,nohostname")
	}
	return s, nil
}

var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp",
	"ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

func (s *syslog) option(option string) error {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "server":
		path, ok := strings.CutPrefix(value, "unix:")
		if !ok {
			return fmt.Errorf("server %q: the dev gateway supports unix:/path only", value)
		}
		s.addr = path
	case "nohostname":
		s.hostname = ""
	case "tag":
		s.tag = value
	case "facility":
		for i, f := range facilities {
			if f == value {
				s.facility = i
				return nil
			}
		}
		return fmt.Errorf("unknown syslog facility %q", value)
	case "severity":
		level, err := ParseSeverity(value)
		s.severity = level
		return err
	default:
		return fmt.Errorf("unknown syslog parameter %q", option)
	}
	return nil
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

func (s *syslog) header(severity Severity) string {
	pri := s.facility*8 + int(severity)
	return fmt.Sprintf("<%d>%s %s%s: ", pri, s.now().Format("Jan _2 15:04:05"), s.hostname, s.tag)
}

func (s *syslog) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
