package scrub

import "bytes"

// signless finds the secrets that no sign says the name of: what stands in an element of
// XML, behind an option on a command line, behind a word of SQL, in a PEM block, and under
// a cookie's name that browsers guard. No bit of a block marks these, as each would slow
// down all texts for the sake of few: the window is searched for the byte that each of them
// needs.
func (s *scan) signless(quoted bool) {
	next, done := s.next, s.done
	s.next, s.done = 0, 0
	s.elements()
	s.done = 0
	s.options()
	s.done = 0
	s.directives()
	s.done = 0
	s.statements()
	s.done = 0
	s.privateKeys()
	s.done = 0
	s.guardedCookies()
	s.done = 0
	s.lists()
	if quoted {
		s.done = 0
		s.literals()
	}
	if len(s.b) >= minStatement {
		s.done = 0
		s.inserts()
		s.done = 0
		s.parts()
	}
	s.done = 0
	s.plusKeys()
	s.done = 0
	s.tildeKeys()
	s.next, s.done = max(s.next, next), max(s.done, done)
}

// minStatement is the length of the shortest statement or part of a form with a secret:
// "(pw) values ('x')".
const minStatement = 17

// hasSignless reports whether a text that is read in parts may have such secrets.
func hasSignless(b []byte) bool {
	return len(b) > minText && (bytes.IndexByte(b, '<') >= 0 || bytes.IndexByte(b, '\'') >= 0 || bytes.IndexByte(b, '{') >= 0 || bytes.Contains(b, []byte(" -")) ||
		bytes.Contains(b, []byte("__")) || bytes.Contains(b, []byte("-----BEGIN")))
}

// guardedCookies redacts the values of cookies whose names begin with "__Host-" or
// "__Secure-" (RFC 6265bis, 4.1.3): programs guard what lets somebody in.
func (s *scan) guardedCookies() {
	for i := 0; ; {
		n := bytes.Index(s.b[i:], []byte("__"))
		if n < 0 {
			return
		}
		i += n + len("__")
		if !foldPrefix(s.b, i, "host-") && !foldPrefix(s.b, i, "secure-") {
			continue
		}
		end := i
		for end < len(s.b) && end-i < maxName && is(s.b[end], wordByte) {
			end++
		}
		if at(s.b, end) != '=' || !s.spend(end-i) {
			continue
		}
		v := value{start: end + 1, end: s.findUnquotedEnd(end + 1)}
		s.spend(v.end - v.start)
		if v.start < v.end && v.start >= s.done && !s.e.isMarker(s.b[v.start:v.end]) && !s.e.isMarker(s.b[v.start:min(v.end+1, len(s.b))]) {
			s.redactValue(Field, v)
		}
		i = max(i, s.done)
	}
}

// trimBlank returns b[start:end] without the blanks, and the escapes that write some, at
// its ends.
func trimBlank(b []byte, start, end int) (int, int) {
	for start < end && (is(b[start], blank) || isEscaped(b[:end], start+1)) {
		if b[start] == '\\' {
			start++
		}
		start++
	}
	for end > start && (is(b[end-1], blank) || end-2 >= start && isEscaped(b, end-1)) {
		if !is(b[end-1], blank) {
			end--
		}
		end--
	}
	return min(start, end), end
}
