package scrub

// Format says what a text is, and so where in it values are.
type Format uint8

// The formats of the texts that logs are made of.
const (
	FormatText    Format = iota // a line of any kind, such as a message
	FormatAccess                // a line of Kong's access log
	FormatJSON                  // one JSON value
	FormatQuery                 // a query string, without its '?'
	FormatURL                   // a URL, absolute or from its path on
	FormatRequest               // a request line: method, URL, protocol
)

// Text appends line to dst without what the policy names, and returns what was
// found. Fields are recognized as name=value, name: value and "name":"value"; a
// line that is a JSON object, or one of Kong's access log, is read as one.
func (e *Engine) Text(dst, line []byte) ([]byte, Tally) { return e.Scrub(dst, line, FormatText) }

// Query is [Engine.Text] for a query string or a form body: '+' is a space, and
// values end at '&'.
func (e *Engine) Query(dst, query []byte) ([]byte, Tally) { return e.Scrub(dst, query, FormatQuery) }

// URL is [Engine.Text] for a URL: path templates apply to its path, and what is
// behind its '?' is a query string.
func (e *Engine) URL(dst, url []byte) ([]byte, Tally) { return e.Scrub(dst, url, FormatURL) }

// JSON is [Engine.Text] for a JSON value: strings are read unescaped, and what
// is replaced leaves it well-formed. What is no JSON is read as text.
func (e *Engine) JSON(dst, value []byte) ([]byte, Tally) { return e.Scrub(dst, value, FormatJSON) }

// AccessLine is [Engine.Text] for a line of Kong's access log (kong_log_format):
// the time, status, size and request id are left alone, the request and the
// referrer are read as URLs. Another line is read as text.
func (e *Engine) AccessLine(dst, line []byte) ([]byte, Tally) {
	return e.Scrub(dst, line, FormatAccess)
}

// Scrub appends text, which is of the given format, to dst without what the
// policy names, and returns what was found. It allocates only where something
// is found or dst is too small.
func (e *Engine) Scrub(dst, text []byte, f Format) ([]byte, Tally) {
	var s scan
	s.init(e, text)
	defer s.findings.release()
	s.whole(f)
	if len(s.findings.list) == 0 && !s.blocked {
		return append(dst, text...), Tally{}
	}
	return s.appendTo(dst), s.tally()
}

// Value is [Engine.Text] for the value of a field with the given name, which is
// redacted whole if its name is one of those fields.
func (e *Engine) Value(dst []byte, name string, value []byte) ([]byte, Tally) {
	var s scan
	s.init(e, value)
	defer s.findings.release()
	s.role = e.role(name)
	s.readValue()
	return s.appendTo(dst), s.tally()
}

// Findings appends to dst what is found in text, from left to right. None overlap.
func (e *Engine) Findings(dst []Finding, text []byte, f Format) []Finding {
	for x := range e.explained(text, f) {
		dst = append(dst, x.Finding)
	}
	return dst
}

func (e *Engine) role(name string) role { return e.fields.lookup([]byte(name)) }

// whole finds what is in all of the text.
func (s *scan) whole(f Format) {
	s.quoted = mayBeJSON(f, s.b)
	s.read(f)
}

// read finds what is in the window.
func (s *scan) read(f Format) {
	switch {
	case len(s.b) > s.e.maxBytes:
		s.block(RuleTooLong)
	case mayBeJSON(f, s.b) && !s.e.isMarker(s.b) && s.json():
	case f == FormatText || f == FormatAccess:
		s.accessLine()
	case f == FormatURL:
		s.url()
	case f == FormatRequest:
		f := s.request(Span{0, len(s.b)})
		s.part(f.Start, f.End, f.format, 0)
	default:
		s.query = f == FormatQuery
		s.run()
	}
}

// mayBeJSON reports whether a text of the format is read as JSON first: also what is said
// to be a line or a form, if it begins and ends as an object or array does.
func mayBeJSON(f Format, b []byte) bool {
	return f == FormatJSON || f != FormatURL && f != FormatRequest && isStructured(b)
}

// isStructured reports whether a text begins and ends as a JSON object or array does, the
// '\r' of a line from elsewhere and other blanks around it left out.
func isStructured(b []byte) bool {
	start, end := 0, len(b)
	for start < end && is(b[start], blank) {
		start++
	}
	for end > start && is(b[end-1], blank) {
		end--
	}
	switch last := at(b, end-1); {
	case end-start < 2:
		return false
	case b[start] == '[':
		return last == ']'
	default:
		return b[start] == '{' && last == '}'
	}
}

// readValue finds what is in the value of the field that s.role speaks of.
func (s *scan) readValue() {
	switch {
	case len(s.b) > s.e.maxBytes:
		s.block(RuleTooLong)
	case len(s.b) > 0 && s.role&roleNever == 0 && s.role&(roleField|roleSecret) != 0:
		s.named(value{end: len(s.b), quoted: true}, s.role)
		if s.next < len(s.b) {
			s.run()
		}
	default:
		s.run()
	}
}

// tally counts the findings.
func (s *scan) tally() (t Tally) {
	if s.blocked {
		t[Dropped] = 1
		return t
	}
	for _, one := range s.findings.list {
		t[one.kind]++
	}
	return t
}

// minText is the length of the shortest text that can hold anything: "::1".
const minText = 3
