package scrub

import "bytes"

// Access is a line of Kong's access log in its parts, each a range of the line:
// kong_log_format of Kong 3.9, which is nginx's combined format and
// kong_request_id.
type Access struct {
	Addr, User, Time, Request, Status, Size, Referrer, Agent, RequestID Span
	Rest                                                                Span // what a custom format appends
}

// Span is a range of bytes; End is exclusive.
type Span struct{ Start, End int }

// Of returns the bytes of the range.
func (s Span) Of(b []byte) []byte { return b[s.Start:s.End] }

// ParseAccess takes a line of Kong's default access log apart. It reports
// whether the line is one.
func ParseAccess(line []byte) (a Access, ok bool) {
	c := cursor{b: line}
	a.Addr = c.word()
	ok = c.skip("- ")
	a.User = c.word()
	ok = c.skip("[") && ok
	a.Time = Span{c.i, c.i + len(localTime)}
	if !ok || a.Time.End > len(line) || !isLocalTime(a.Time.Of(line)) {
		return a, false
	}
	c.i = a.Time.End
	ok = c.skip(`] "`)
	a.Request = c.quoted(' ')
	a.Status = c.word()
	a.Size = c.word()
	ok = c.skip(`"`) && ok
	a.Referrer = c.quoted(' ')
	ok = c.skip(`"`) && ok
	a.Agent = c.quoted(0)
	if c.skip(` kong_request_id: "`) {
		a.RequestID = c.requestID()
	}
	a.Rest = Span{c.i, len(line)}
	return a, ok && !c.over && isNumeric(a.Status.Of(line)) && isNumeric(a.Size.Of(line))
}

// cursor walks over a line.
type cursor struct {
	b    []byte
	i    int
	over bool // something was not there
}

// word returns the range up to the next blank, which is near, and goes on behind
// it.
func (c *cursor) word() Span {
	i := c.i
	for i < len(c.b) && c.b[i] != ' ' {
		i++
	}
	s := Span{c.i, i}
	c.over = c.over || i == len(c.b)
	c.i = min(i+1, len(c.b))
	return s
}

// quoted returns the range up to the next '"' that next follows, or any if next
// is 0, and goes on behind both.
func (c *cursor) quoted(next byte) Span {
	for i := c.i; ; i++ {
		n := bytes.IndexByte(c.b[i:], '"')
		if i += n; n < 0 || next != 0 && i+1 == len(c.b) {
			c.over = true
			return Span{}
		}
		if next == 0 || c.b[i+1] == next {
			s := Span{c.i, i}
			c.i = i + 1
			if next != 0 {
				c.i++
			}
			return s
		}
	}
}

const requestIDSize = 32

// requestID returns the range up to the next '"', which is mostly where an id of
// Kong's ends.
func (c *cursor) requestID() Span {
	s := Span{c.i, c.i + requestIDSize}
	if at(c.b, s.End) != '"' {
		return c.quoted(0)
	}
	c.i = s.End + 1
	return s
}

// skip goes on behind word, and reports whether it was next.
func (c *cursor) skip(word string) bool {
	rest := c.b[c.i:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	c.i += len(word)
	return true
}

// The least and the greatest byte in each place of nginx's $time_local.
const (
	localTime    = "00/AAA/0000:00:00:00 +0000"
	localTimeMax = "99/zzz/9999:99:99:99 -9999"
)

// isLocalTime reports whether b is a time and nothing else: what is taken for the
// time is not scanned.
func isLocalTime(b []byte) bool {
	if len(b) != len(localTime) {
		return false
	}
	for i, c := range b {
		if c < localTime[i] || c > localTimeMax[i] {
			return false
		}
	}
	return true
}

func isNumeric(b []byte) bool {
	return len(b) > 0 && len(b) <= 19 && skipDigits(b, 0) == len(b) || string(b) == "-"
}
