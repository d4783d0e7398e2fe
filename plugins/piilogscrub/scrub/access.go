package scrub

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
	first, outer := len(s.findings.list), s.window
	if len(s.e.patterns)+len(s.e.templates) == 0 && !hasSignless(a.Rest.Of(s.b)) && s.fields(fields[:]) {
		return
	}
	s.findings.list, s.window = s.findings.list[:first], outer
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
		first, entered := len(s.findings.list), false
		for {
			if in := c.all & between(f.Start-at, f.End-at); in != 0 {
				if !entered {
					entered = true
					s.window = window{b: line.b[f.Start:f.End], base: line.base + f.Start, query: f.format == FormatURL}
				}
				s.visit(at-f.Start, &c, in)
			}
			if at+blockSize >= f.End {
				break
			}
			at += blockSize
			b, isHigh := blockAt(s.text, line.base+at, end)
			if isHigh {
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
	first := len(s.findings.list)
	s.part(u.Start, u.End, FormatText, 0)
	if len(s.findings.list) == first && u.Start < u.End && !s.e.isMarker(u.Of(s.b)) {
		s.redactBy(RuleUser, Field, value{start: u.Start, end: u.End})
	}
}

// request returns the URL of a request line: a method, a URL, and the protocol.
// Any other line is read as text, whole.
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
