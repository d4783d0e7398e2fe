package nginxlog

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// maxErrorLine is the length at which OpenResty cuts an error line.
const maxErrorLine = 4096

// level is the least severe one that is logged: the default of KONG_LOG_LEVEL.
const level = Notice

// ErrorLog writes nginx's error lines.
type ErrorLog struct {
	sink Sink
	now  func() time.Time
}

// NewErrorLog writes lines to a sink.
func NewErrorLog(sink Sink) *ErrorLog { return &ErrorLog{sink: sink, now: time.Now} }

// Context is what nginx adds to a line about a request. Empty fields are left
// out; the zero Context adds nothing.
type Context struct {
	Connection uint64
	Timer      bool // the line comes from a log event, after the request
	Client     string
	Server     string
	Request    string
	Upstream   string
	Host       string
	Referrer   string
	RequestID  string
}

// Log writes a line, unless its level is not logged.
func (l *ErrorLog) Log(severity Severity, msg string, c Context) {
	if severity > level {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s] %d#0: ", l.now().Format("2006/01/02 15:04:05"), severity, os.Getpid())
	if c.Connection > 0 {
		fmt.Fprintf(&b, "*%d ", c.Connection)
	}
	b.WriteString(msg)
	c.write(&b)
	line := b.String()
	if len(line) > maxErrorLine {
		line = line[:maxErrorLine]
	}
	l.sink.Line(severity, line)
}

func (c Context) write(b *strings.Builder) {
	if c.Timer {
		b.WriteString(", context: ngx.timer")
	}
	add := func(name, value, format string) {
		if value != "" {
			fmt.Fprintf(b, ", %s: "+format, name, value)
		}
	}
	const bare, quoted = "%s", "\"%s\""
	add("client", c.Client, bare)
	add("server", c.Server, bare)
	add("request", c.Request, quoted)
	add("upstream", c.Upstream, quoted)
	add("host", c.Host, quoted)
	add("referrer", c.Referrer, quoted)
	add("request_id", c.RequestID, quoted)
}
