package nginxlog

import (
	"bytes"
	"strconv"
	"time"
)

// errorLine is a line of nginx's error log in its parts:
//
//	2025/11/24 03:13:41 [error] 71#0: *5 text, client: 192.0.2.1, server: kong,
//	request: "GET / HTTP/1.1", upstream: "http://…", host: "…", request_id: "…"
type errorLine struct {
	Time    time.Time
	Level   string
	PID     int
	Conn    int // the connection, 0 if the line is about none
	Message []byte
	Cut     bool         // nginx may have cut the text
	Fields  []errorField // what is behind the text, in order
}

// errorField is one "name: value" behind the text of an error, without quotes.
type errorField struct {
	Name, Value []byte
	Cut         bool // nginx may have cut the value
}

// longestError is how long a line of the error log is at most, in bytes, with its line
// feed (nginx's NGX_MAX_ERROR_STR): what would be longer is cut there. Before the error of
// a system call, nginx cuts the text up to errorRoom earlier.
const (
	longestError = 2048
	errorRoom    = 50
)

// cutError reports whether a part that ends behind so many bytes may have been cut.
func cutError(end int) bool { return end >= longestError-errorRoom }

// fieldNames are the fields that nginx and Kong put behind the text of an error.
// The text itself may have commas and colons in it.
var fieldNames = []string{
	"client", "server", "request", "subrequest", "upstream", "host", "referrer", "request_id",
}

const errorTimeLayout = "2006/01/02 15:04:05"

// parseError takes a line of nginx's error log apart, the time of which is in
// the gateway's zone. It reports whether the line is one. The parts share the
// line's memory.
func parseError(line []byte, zone *time.Location) (e errorLine, ok bool) {
	if len(line) < len(errorTimeLayout)+3 {
		return e, false
	}
	when, err := time.ParseInLocation(errorTimeLayout, string(line[:len(errorTimeLayout)]), zone)
	if err != nil {
		return e, false
	}
	e.Time = when
	rest, ok := bytes.CutPrefix(line[len(errorTimeLayout):], []byte(" ["))
	if !ok {
		return e, false
	}
	level, rest, ok := bytes.Cut(rest, []byte("] "))
	if !ok || !isLevel(level) {
		return e, false
	}
	e.Level = string(level)
	if rest, ok = e.process(rest); !ok {
		return e, false
	}
	e.split(rest, len(line))
	return e, true
}

func isLevel(b []byte) bool {
	for _, name := range severityNames {
		if string(b) == name {
			return true
		}
	}
	return false
}

// process reads "71#0: *5 " and returns what is behind it.
func (e *errorLine) process(b []byte) (rest []byte, ok bool) {
	ids, rest, ok := bytes.Cut(b, []byte(": "))
	pid, _, ok2 := bytes.Cut(ids, []byte("#"))
	if !ok || !ok2 {
		return nil, false
	}
	var err error
	if e.PID, err = strconv.Atoi(string(pid)); err != nil {
		return nil, false
	}
	if conn, behind, found := bytes.Cut(rest, []byte(" ")); found && len(conn) > 1 && conn[0] == '*' {
		if n, err := strconv.Atoi(string(conn[1:])); err == nil && n > 0 {
			e.Conn, rest = n, behind
		}
	}
	return rest, true
}

// split finds where the text ends and the fields begin: at the first name that
// nginx uses, since what is behind it is its own. b is the end of a line of that length.
func (e *errorLine) split(b []byte, length int) {
	at := len(b)
	for _, name := range fieldNames {
		if i := bytes.Index(b, []byte(", "+name+": ")); i >= 0 && i < at {
			at = i
		}
	}
	e.Message = b[:at]
	e.Cut = cutError(length - len(b) + at)
	for rest := b[at:]; len(rest) > 0; {
		var f errorField
		if f, rest = nextField(rest[2:]); f.Name == nil {
			return
		}
		f.Cut = cutError(length - len(rest))
		e.Fields = append(e.Fields, f)
	}
}

// nextField reads a field and returns what is behind it: empty, or a comma and
// another field.
func nextField(b []byte) (f errorField, rest []byte) {
	name, value, ok := bytes.Cut(b, []byte(": "))
	if !ok {
		return errorField{Name: []byte("rest"), Value: b}, nil
	}
	between := ", "
	if len(value) > 0 && value[0] == '"' {
		between = `", ` // a comma within the quotes is the client's
	}
	end := len(value)
	for _, next := range fieldNames {
		if i := bytes.Index(value, []byte(between+next+": ")); i >= 0 && i+len(between)-2 < end {
			end = i + len(between) - 2
		}
	}
	value, rest = value[:end], value[end:]
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return errorField{Name: name, Value: value}, rest
}
