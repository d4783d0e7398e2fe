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

// cursor walks over a line.
type cursor struct {
	b  []byte
	i  int
	ok bool
}

// until returns the range up to the next end, and goes on behind it.
func (c *cursor) until(end string) Span {
	n := -1
	if c.ok {
		n = bytes.Index(c.b[c.i:], []byte(end))
	}
	if n < 0 {
		c.ok = false
		return Span{}
	}
	s := Span{c.i, c.i + n}
	c.i = s.End + len(end)
	return s
}

// skip goes on behind word, which must be next.
func (c *cursor) skip(word string) {
	if c.ok = c.ok && bytes.HasPrefix(c.b[c.i:], []byte(word)); c.ok {
		c.i += len(word)
	}
}

// ParseAccess takes a line of Kong's default access log apart. It reports
// whether the line is one.
func ParseAccess(line []byte) (a Access, ok bool) {
	c := cursor{b: line, ok: true}
	a.Addr = c.until(" ")
	c.skip("- ")
	a.User = c.until(" [")
	a.Time = c.until(`] "`)
	a.Request = c.until(`" `)
	a.Status = c.until(" ")
	a.Size = c.until(` "`)
	a.Referrer = c.until(`" "`)
	a.Agent = c.until(`"`)
	if c.ok && bytes.HasPrefix(line[c.i:], []byte(` kong_request_id: "`)) {
		c.skip(` kong_request_id: "`)
		a.RequestID = c.until(`"`)
	}
	a.Rest = Span{c.i, len(line)}
	ok = c.ok && isNumeric(a.Status.Of(line)) && isNumeric(a.Size.Of(line)) && isLocalTime(a.Time.Of(line))
	return a, ok
}

// isLocalTime reports whether b is nginx's $time_local, and nothing else: what
// is taken for the time is not scanned.
func isLocalTime(b []byte) bool {
	const like = "00/Aaa/0000:00:00:00 +0000"
	if len(b) != len(like) {
		return false
	}
	for i, c := range b {
		switch want := like[i]; {
		case want == '0' && isDigit(c), want|0x20 == 'a' && is(c, letter), want == '+' && c == '-', want == c:
		default:
			return false
		}
	}
	return true
}

func isNumeric(b []byte) bool {
	return len(b) > 0 && len(b) <= 19 && skipDigits(b, 0) == len(b) || string(b) == "-"
}

// accessLine reads the text as a line of Kong's access log.
func (s *scan) accessLine() {
	a, ok := ParseAccess(s.b)
	if !ok {
		s.run()
		return
	}
	s.part(a.Addr.Start, a.Addr.End, FormatText, 0)
	s.user(a.User)
	s.request(a.Request)
	s.part(a.Referrer.Start, a.Referrer.End, FormatURL, 0)
	s.part(a.Agent.Start, a.Agent.End, FormatText, 0)
	if !isOpaque(a.RequestID.Of(s.b)) {
		s.part(a.RequestID.Start, a.RequestID.End, FormatText, 0)
	}
	s.part(a.Rest.Start, a.Rest.End, FormatText, 0)
}

// user redacts the name that a client authenticated with.
func (s *scan) user(u Span) {
	if string(u.Of(s.b)) == "-" {
		return
	}
	first := len(s.found.hits)
	s.part(u.Start, u.End, FormatText, 0)
	if len(s.found.hits) == first && u.Start < u.End && !s.e.isMarker(u.Of(s.b)) {
		s.redactValue(Field, value{start: u.Start, end: u.End})
	}
}

// request reads the request line: a method, a URL, and the protocol.
func (s *scan) request(r Span) {
	line := r.Of(s.b)
	method := bytes.IndexByte(line, ' ')
	proto := bytes.LastIndexByte(line, ' ')
	if method <= 0 || proto <= method || !isMethod(line[:method]) || !isProtocol(line[proto+1:]) {
		s.part(r.Start, r.End, FormatText, 0)
		return
	}
	s.part(r.Start+method+1, r.Start+proto, FormatURL, 0)
}

const maxMethod = 17 // letters of UPDATEREDIRECTREF, the longest that is registered

// isMethod reports whether w can be nothing but a method (RFC 9110, 9.1).
func isMethod(w []byte) bool {
	for _, c := range w {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(w) <= maxMethod
}

func isProtocol(w []byte) bool {
	return bytes.HasPrefix(w, []byte("HTTP/")) && len(w) <= len("HTTP/1.1")
}
