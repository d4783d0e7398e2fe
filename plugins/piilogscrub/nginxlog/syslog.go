package nginxlog

import (
	"bytes"
	"errors"
	"time"
)

// message is a syslog message as nginx sends it (RFC 3164, with "nohostname").
type message struct {
	Facility int // 0 to 23; nginx's default is 23, local7
	Severity int // 0 (emergency) to 7 (debug)
	// Time has no year and no zone: the sender's clock says neither.
	Time time.Time
	Tag  []byte // the program's name; nginx's default is "nginx"
	Text []byte
}

// errNotSyslog is the error of a datagram that is no syslog message.
var errNotSyslog = errors.New("not a syslog message of the form <PRI>Mmm dd hh:mm:ss tag: text")

const (
	stampLayout = "Jan _2 15:04:05"
	maxPriority = 23<<3 | 7
	maxTag      = 32 // RFC 3164, 4.1.3
)

// parseSyslog takes a datagram apart; Tag and Text are parts of b.
func parseSyslog(b []byte) (m message, err error) {
	priority, rest, ok := parsePriority(b)
	if !ok || len(rest) < len(stampLayout)+1 || rest[len(stampLayout)] != ' ' {
		return message{}, errNotSyslog
	}
	if m.Time, err = time.Parse(stampLayout, string(rest[:len(stampLayout)])); err != nil {
		return message{}, errNotSyslog
	}
	m.Facility, m.Severity = priority>>3, priority&7
	m.Tag, m.Text, ok = bytes.Cut(rest[len(stampLayout)+1:], []byte(": "))
	if !ok || len(m.Tag) == 0 || len(m.Tag) > maxTag || bytes.ContainsAny(m.Tag, " \t\r\n") {
		return message{}, errNotSyslog
	}
	return m, nil
}

func parsePriority(b []byte) (priority int, rest []byte, ok bool) {
	end := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if end < 2 || b[0] != '<' {
		return 0, nil, false
	}
	for _, c := range b[1:end] {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		priority = 10*priority + int(c-'0')
	}
	return priority, b[end+1:], priority <= maxPriority
}

// severityNames are the levels of nginx's error log, by syslog severity.
var severityNames = [8]string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}
