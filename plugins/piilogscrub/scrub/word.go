package scrub

const (
	uuidSize  = 36
	minIDWord = 4 // letters and digits of the shortest word that begins anything: "DE89"
)

// word looks at a word of letters and digits around b[i], where a number begins
// that a letter stands before or behind. It reports whether it dealt with it.
func (s *scan) word(i int) bool {
	start := i
	for start > s.done && i-start < maxName && is(s.b[start-1], alnum) && !boundary(s.b, start) {
		start--
	}
	end := i
	for end < len(s.b) && is(s.b[end], alnum) {
		end++
	}
	if end-start < minIDWord {
		s.next = max(s.next, end)
		return true
	}
	if !s.spend(end - start) {
		return true
	}
	if s.uuid(start) {
		return true
	}
	if isDigit(at(s.b, start+2)) && isDigit(at(s.b, start+3)) && s.iban(start) {
		return true
	}
	if s.shapeOf(start) {
		return true
	}
	if end-start > 13 && (s.gluedIBAN(start) || s.gluedCard(start, end)) {
		return true
	}
	if end-start <= maxNational {
		if id := s.national(start); id > 0 {
			return s.emit(NationalID, start, id)
		}
	}
	if end-start >= minToken {
		s.token(start)
		return true
	}
	s.next = max(s.next, end)
	return true
}

// uuid skips the UUID of which a part begins at b[i], and reports whether there
// is one.
func (s *scan) uuid(i int) bool {
	start, ok := uuidAround(s.b, i)
	if !ok {
		return false
	}
	s.next = start + uuidSize
	if c := at(s.b, start-1); c == '-' || c == '_' {
		word := start
		for word > s.done && start-word < maxName && is(s.b[word-1], wordByte) {
			word--
		}
		if from, end := keyAt(s.b, word, s.next); end > 0 {
			s.emit(Secret, from, s.next)
		}
	}
	return true
}

// uuidAround returns the start of the UUID (RFC 9562, 4) of which a part begins
// at b[i].
func uuidAround(b []byte, i int) (start int, ok bool) {
	for _, part := range [...]int{0, 9, 14, 19, 24} {
		if i >= part && isUUID(b, i-part) {
			return i - part, true
		}
	}
	return 0, false
}

func isUUID(b []byte, i int) bool {
	if len(b)-i < uuidSize || b[i+8] != '-' || b[i+13] != '-' || b[i+18] != '-' || b[i+23] != '-' {
		return false
	}
	for k, c := range b[i : i+uuidSize] {
		if !is(c, hexDigit) && (c != '-' || k != 8 && k != 13 && k != 18 && k != 23) {
			return false
		}
	}
	return !is(at(b, i+uuidSize), alnum)
}

// isHexOnly reports whether a word is a digest, a trace id or the like.
func isHexOnly(w []byte) bool {
	for _, c := range w {
		if !is(c, hexDigit) {
			return false
		}
	}
	return true
}

// isULID reports whether a word is a ULID: 26 digits of Crockford's base32, of
// which the first is at most 7.
func isULID(w []byte) bool {
	if len(w) != 26 || w[0] > '7' {
		return false
	}
	for _, c := range w {
		switch c = fold(c); c {
		case 'i', 'l', 'o', 'u':
			return false
		default:
			if !is(c, alnum) {
				return false
			}
		}
	}
	return true
}
