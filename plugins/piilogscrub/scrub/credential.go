package scrub

import "bytes"

// scheme looks at the 'b' at b[i]: "Bearer" or "Basic" and a credential behind.
func (s *scan) scheme(i int) {
	if s.identifiedBy(i) {
		return
	}
	word := "bearer"
	if at(s.b, i+1)|0x20 == 'a' {
		word = "basic"
	}
	if !foldPrefix(s.b, i, word) || !boundary(s.b, i) {
		return
	}
	start := s.behindScheme(i + len(word))
	end := credentialEnd(s.b, start)
	if start == i+len(word) || !isCredential(s.b[start:end], word) {
		return
	}
	if jwt := jwtEnd(s.b, start); jwt == end {
		s.emit(JWT, start, end)
		return
	}
	s.emit(Credential, start, end)
}

// behindScheme skips the blanks behind an authentication scheme that ends at b[i].
func (s *scan) behindScheme(i int) int {
	for i < len(s.b) && (s.b[i] == ' ' || s.query && s.b[i] == '+') {
		i++
	}
	return i
}

// credentialEnd returns the end of the token68 (RFC 9110, 11.2) at b[i:].
func credentialEnd(b []byte, i int) int {
	for i < len(b) && (isBase64(b[i]) || b[i] == '.' || b[i] == '~' || b[i] == '=') {
		i++
	}
	for i > 0 && b[i-1] == '.' {
		i--
	}
	return i
}

// isCredential reports whether what stands behind the scheme is one, and not
// the next word of a sentence.
func isCredential(v []byte, scheme string) bool {
	if scheme == "basic" {
		buf := getBuffer()
		defer buf.release()
		return len(v) >= 4 && buf.base64(bytes.TrimRight(v, "=")) && bytes.IndexByte(buf.b, ':') >= 0
	}
	return len(v) >= minSecret && (bytes.ContainsAny(v, "0123456789") || !isWords(v))
}

// authorization redacts the value of an Authorization header (RFC 9110, 11.6.2)
// and leaves its scheme.
func (s *scan) authorization(v value) {
	text := s.b[v.start:v.end]
	n := bytes.IndexAny(text, " +")
	if n <= 0 || !isScheme(text[:n]) {
		s.redactValue(Field, v)
		return
	}
	from := v.start + n + 1
	if end := jwtEnd(s.b[:v.end], from); end > 0 && !isMore(s.b[end:v.end]) {
		s.emit(JWT, from, end)
		return
	}
	end := credentialEnd(s.b[:v.end], from)
	if end == from || at(s.b, end) == '"' && !v.quoted {
		end = s.physicalEnd(v) // a list of parameters, as that of Digest
	}
	if !v.quoted && end < v.end {
		end = max(end, min(s.unquotedEnd(from), v.end))
	}
	if !s.e.isMarker(s.b[from:v.end]) {
		s.emit(Credential, from, end)
	}
	s.next = max(s.next, end)
}

// physicalEnd returns the end of the line that a value is in, or of its quotes.
func (s *scan) physicalEnd(v value) int {
	if v.quoted {
		return v.end
	}
	if n := bytes.IndexAny(s.b[v.end:], "\r\n"); n >= 0 {
		return v.end + n
	}
	return len(s.b)
}

func isScheme(w []byte) bool {
	for _, c := range w {
		if !is(c, letter) && c != '-' {
			return false
		}
	}
	return true
}

// isMore reports whether a credential goes on with rest.
func isMore(rest []byte) bool { return len(rest) > 0 && !is(rest[0], valueEnd) }
