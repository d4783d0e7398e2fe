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

// localTime is the form of nginx's $time_local.
const localTime = "00/Aaa/0000:00:00:00 +0000"

// isLocalTime reports whether b, which is as long as localTime, is a time and
// nothing else: what is taken for the time is not scanned.
func isLocalTime(b []byte) bool {
	if len(b) != len(localTime) {
		return false
	}
	for i, c := range b {
		switch want := localTime[i]; {
		case want == '0' && isDigit(c), want == c, want == 'a' && is(c, letter), want == 'A' && is(c, letter), want == '+' && c == '-':
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
	s.address(a.Addr)
	s.user(a.User)
	fields := [...]field{s.request(a.Request), {a.Referrer, FormatURL}, {a.Agent, FormatText}, {a.RequestID, FormatText}, {a.Rest, FormatText}}
	if isOpaque(a.RequestID.Of(s.b)) {
		fields[3].End = fields[3].Start
	}
	first, outer := len(s.found.hits), s.window
	if len(s.e.patterns)+len(s.e.templates) == 0 && s.fields(fields[:]) {
		return
	}
	s.found.hits, s.window = s.found.hits[:first], outer
	for _, f := range fields {
		s.part(f.Start, f.End, f.format, 0)
	}
}

// field is a part of a line, and what it is.
type field struct {
	Span
	format Format
}

// fields reads parts of the text, in order, each as a window of its own: what
// [scan.part] does, in one walk over all of them, and entering only those in
// which something could be. No pattern sees them, and no template. It gives up, and reports false,
// where the text is not all ASCII.
func (s *scan) fields(list []field) bool {
	s.spend(len(s.b))
	line, end := s.window, s.base+len(s.b)
	var h history
	var c candidates
	at := list[0].Start - blockSize
	for _, f := range list {
		if f.End-f.Start < minText {
			continue
		}
		first, entered := len(s.found.hits), false
		for {
			if in := c.all & between(f.Start-at, f.End-at); in != 0 {
				if !entered {
					entered = true
					s.window = window{b: line.b[f.Start:f.End], base: line.base + f.Start, form: f.format == FormatURL}
				}
				s.visit(at-f.Start, &c, in)
			}
			if at+blockSize >= f.End {
				break
			}
			at += blockSize
			b := blockAt(s.text, line.base+at, end)
			if b.high != 0 {
				return false
			}
			h.next(b, &c)
		}
		if s.blocked {
			s.leave(line, first, f.Start, f.End)
		}
	}
	s.window = line
	return true
}

// address redacts the client's address, or whatever stands in its place.
func (s *scan) address(a Span) {
	if end, ok := ipv4At(s.b, a.Start); ok && end == a.End {
		s.emit(IP, a.Start, a.End)
		return
	}
	s.part(a.Start, a.End, FormatText, 0)
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

// request returns the URL of a request line: a method, a URL, and the protocol.
// A line that is none is a text.
func (s *scan) request(r Span) field {
	line := r.Of(s.b)
	method, proto := methodSize(line), len(line)-protocolSize(line)
	if at(line, method) != ' ' || proto <= method || method == 0 {
		return field{r, FormatText}
	}
	return field{Span{r.Start + method + 1, r.Start + proto}, FormatURL}
}

const maxMethod = 17 // letters of UPDATEREDIRECTREF, the longest that is registered

// methodSize returns the length of what can be nothing but a method (RFC 9110,
// 9.1) at the beginning of a line.
func methodSize(line []byte) int {
	for i, c := range line {
		if c < 'A' || c > 'Z' {
			return i
		}
		if i == maxMethod {
			break
		}
	}
	return 0
}

// protocolSize returns the length of the protocol at the end of a line, its
// blank included: of " HTTP/1.1" or " HTTP/2".
func protocolSize(line []byte) int {
	for _, size := range [...]int{len(" HTTP/1.1"), len(" HTTP/2")} {
		if n := len(line) - size; n >= 0 && string(line[n:n+len(" HTTP/")]) == " HTTP/" && isDigit(line[len(line)-1]) {
			return size
		}
	}
	return len(line)
}
