package scrub

import "unicode/utf8"

// percent looks at the '%' at b[i]: the value around it is read decoded.
func (s *scan) percent(i int) {
	if _, size := percentEscape(s.b, i); size == 0 {
		return
	}
	if s.encodedUserinfo(i) {
		return
	}
	start, end := s.valueAround(i)
	buf := getBuffer()
	defer buf.release()
	buf.percent(s.b[start:end], start)
	s.reread(buf, true, start, end)
}

// escape looks at the '\' at b[i]: if it writes a character by its number, the
// value around it is read decoded.
func (s *scan) escape(i int) {
	if s.octalEmail(i) {
		return
	}
	if at(s.b, i+1) == '\\' {
		s.next = i + 1 // an escaped backslash may hide an escape of its own
	}
	if _, size := jsonEscape(s.b, i); size < byteEscape {
		s.scheme(i + 2) // behind \n, which is no part of a word
		return
	}
	start, end := s.valueAround(i)
	buf := getBuffer()
	defer buf.release()
	buf.json(s.b[start:end], start)
	s.reread(buf, s.query, start, end)
}

// reread scans the decoded text of b[start:end] in its place. In a query,
// '+' is a space. What decodes to no text cannot be read, and is dropped.
func (s *scan) reread(buf *buffer, query bool, start, end int) {
	if !s.spend(end-start) || s.depth >= s.e.maxDepth || !isReadable(buf.b) {
		s.emit(Dropped, start, end)
		return
	}
	first := len(s.findings.list)
	c := s.inner(buf.b, s.nameBefore(start))
	c.query = query
	c.run()
	s.adopt(&c, buf, first, start, end)
}

// valueAround returns the bounds of the value around b[i]: what stands between
// blanks, quotes and the separators of queries and lists.
func (s *scan) valueAround(i int) (start, end int) {
	start, end = i, i
	for start > s.done && !endsValue(s.b, start-1) && s.b[start-1] != '=' && s.b[start-1] != '?' {
		start--
	}
	for end < len(s.b) && !endsValue(s.b, end) {
		end++
	}
	if start > 0 && start < i && s.b[start-1] == '\\' && is(s.b[start], letter) {
		start++ // the letter of an escape such as \n
	}
	return start, end
}

// endsValue reports whether b[i] ends a value that is read decoded. A backslash
// does before a quote or another separator only, not where it writes a letter.
func endsValue(b []byte, i int) bool {
	switch c := b[i]; c {
	case '\\':
		c := at(b, i+1)
		return c != 'u' && c != 'x' && c != '\\' && (i == 0 || b[i-1] != '\\')
	case '&', '"', '\'', '<', '>', '|':
		return true
	case '?':
		return isAssignment(b, i+1)
	default:
		return is(c, blank)
	}
}

// isReadable reports whether a decoded text can be read: it is UTF-8, or printable in one
// of the older encodings that write ASCII as itself, such as Latin-1. What hides an ASCII
// character in more bytes than it has is neither (RFC 3629, 10).
func isReadable(b []byte) bool {
	if utf8.Valid(b) {
		return true
	}
	for i, c := range b {
		next := at(b, i+1)
		switch {
		case c < ' ' && !is(c, blank) || c == 0x7f:
			return false
		case c&0xfe == 0xc0 && next&0xc0 == 0x80, c == 0xe0 && next&0xe0 == 0x80, c == 0xf0 && next&0xf0 == 0x80:
			return false
		case c >= utf8.RuneSelf && skipDigits(b, i+1)-i > minPhone:
			return false // the escape may be a part of the number: "%B4111111111111111"
		}
	}
	return true
}
