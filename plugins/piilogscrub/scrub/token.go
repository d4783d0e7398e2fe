package scrub

import (
	"bytes"
	"encoding/base64"
	"math"

	"github.com/gatehousehq/gatehouse/internal/apikey"
)

const (
	minToken  = 12  // shortest word that is looked at as a token
	minPadded = 7   // shortest word that '=' follows and is looked at as base64
	minRandom = 3.0 // bits per byte from which a value under a secret's name is one
	minSecret = 8   // shortest value under a secret's name
	maxRandom = 256 // bytes of it that are looked at
)

// token looks at the long word around b[i]: a JWT, a partner's key, a key
// of a known shape, or text in base64.
func (s *scan) token(i int) {
	start, end := i, wordEnd(s.b, i)
	floor := max(s.done, min(i, s.next)-maxName) // parts of it may have been looked at
	for start > floor && is(s.b[start-1], wordByte) {
		start--
	}
	if !s.spend(end - start) {
		return
	}
	if start > 0 && s.b[start-1] == '\\' && is(s.b[start], letter) {
		start++ // the letter of an escape such as \n
	}
	if jwt := jwtEnd(s.b, start); jwt > 0 {
		s.emit(JWT, start, jwt)
		return
	}
	if s.link(start, end) {
		return
	}
	if end-start >= apikey.Least && s.partnerKeys(start, end) {
		return
	}
	w := s.b[start:end]
	if isHexOnly(w) {
		if keyStart, keyEnd := s.keyOfDigits(start, end); keyEnd > 0 && s.emit(Secret, keyStart, keyEnd) {
			return
		}
	} else if !isULID(w) && (s.gluedIBAN(start) || s.secret(start, end) || s.gluedCard(start, end)) {
		return
	}
	s.next = max(s.next, end)
}

// keyOfDigits returns where the key is that the hexadecimal digits in b[start:end] are a
// part of, by what stands before them; end is 0 if they are none.
func (s *scan) keyOfDigits(start, end int) (int, int) {
	switch at(s.b, start-1) {
	case '.', '~', '$', '/', ':':
		return keyAt(s.b, start, end)
	}
	return 0, 0
}

// partnerKeys looks for keys that this gateway issued, and for what is left of one, in the
// word b[start:end], with anything around them, and reports whether there are any. Their
// checksum, or how random they are, says that they are no identifiers, whatever the name
// before them.
func (s *scan) partnerKeys(start, end int) (found bool) {
	for end-start >= apikey.Least && s.e.actions[Credential] != Keep {
		from, to := apikey.Find(s.b[start:end])
		if to == 0 || !s.spend(to) {
			break
		}
		s.record(finding{kind: Credential, start: start + from, end: start + to}, s.b[start+from:start+to])
		start, found = start+to, true
	}
	return found
}

// secret looks at the word b[start:end], which is no digest and no identifier,
// and reports whether it is a key or hides something.
func (s *scan) secret(start, end int) bool {
	if end-start <= maxNational {
		if id := s.national(start); id > 0 {
			return s.emit(NationalID, start, id)
		}
	}
	if keyStart, keyEnd := keyAt(s.b, start, end); keyEnd > 0 {
		return s.emit(Secret, keyStart, keyEnd)
	}
	if from := privateKeyAt(s.b, start, end); from >= 0 {
		return s.emit(Secret, from, blockEnd(s.b, from))
	}
	return s.encoded(start, end)
}

// jwtEnd returns the end of the JSON Web Token at b[i:] (RFC 7519, 3), or 0:
// three to five parts of base64url, the first of which begins a JSON object.
func jwtEnd(b []byte, i int) int {
	if len(b)-i < minToken || b[i] != 'e' || b[i+1] != 'y' || b[i+2] != 'J' && b[i+2] != 'A' {
		return 0
	}
	head := wordEnd(b, i)
	end, dots := head, 0
	for j := head; dots < 4 && at(b, j) == '.'; dots++ {
		if j = wordEnd(b, j+1); j > end && is(b[j-1], wordByte) {
			end = j
		}
	}
	if dots < 2 || end < head+minSecret {
		return 0
	}
	return end
}

// wordEnd returns the end of the run of word bytes at b[i:].
func wordEnd(b []byte, i int) int {
	for i < len(b) && is(b[i], wordByte) {
		i++
	}
	return i
}

// encoded looks at the word b[start:end] as base64, with what stands around it
// of that alphabet, and then as base64url. It reports whether it holds something.
func (s *scan) encoded(start, end int) bool {
	if start >= s.triedBase64 {
		from, to := start, end
		for from > s.next && from > s.done && isBase64(s.b[from-1]) {
			from--
		}
		for to < len(s.b) && isBase64(s.b[to]) {
			to++
		}
		s.spend(to - from)
		s.triedBase64 = to
		if s.decoded(from, to) {
			return true
		}
	}
	return s.decoded(start, end)
}

func isBase64(c byte) bool { return is(c, wordByte) || c == '+' || c == '/' }

// decoded reads b[start:end] as base64; if the text in it holds something, all
// of it is redacted as that.
func (s *scan) decoded(start, end int) bool {
	if end-start < minPadded || !looksEncoded(s.b[start:end]) {
		return false
	}
	buf := getBuffer()
	defer buf.release()
	if !buf.base64(s.b[start:end]) {
		return false
	}
	for end < len(s.b) && s.b[end] == '=' {
		end++
	}
	return s.scanDecoded(buf.b, start, end)
}

// scanDecoded reads the text that b[start:end] decodes to; if it holds something,
// all of b[start:end] is redacted as that.
func (s *scan) scanDecoded(text []byte, start, end int) bool {
	if s.depth >= s.e.maxDepth {
		return s.emit(Dropped, start, end)
	}
	first := len(s.findings.list)
	c := s.inner(text, s.nameBefore(start))
	c.run()
	s.findings, s.work = c.findings, c.work
	switch list := s.findings.list; {
	case c.blocked:
		s.findings.list = list[:first]
		return s.emit(Dropped, start, end)
	case len(list) > first:
		one := list[first]
		one.start, one.end, one.quote = start, end, ""
		s.findings.list = list[:first]
		s.append(one)
		return true
	}
	return false
}

// padding looks at the '=' at b[i]: if it ends a short word, and nothing, the
// word may be base64 (RFC 4648, 4).
func (s *scan) padding(i int) {
	if c := at(s.b, i+1); c != '=' && i+1 < len(s.b) && !is(c, valueEnd) && c != '%' {
		return
	}
	start := i
	for start > s.next && start > s.done && i-start <= minToken && isBase64(s.b[start-1]) {
		start--
	}
	if s.spend(i-start) && i-start < minToken {
		s.decoded(start, i)
	}
}

// looksEncoded decodes the first bytes of a word: most words that are no base64
// of text show it there.
func looksEncoded(w []byte) bool {
	var src, dst [12]byte
	head := src[:copy(src[:], w)]
	toStandard(head)
	n, err := base64.RawStdEncoding.Decode(dst[:], head)
	return err == nil && isText(dst[:n], false)
}

// toStandard turns base64url into base64.
func toStandard(b []byte) {
	for i, c := range b {
		switch c {
		case '-':
			b[i] = '+'
		case '_':
			b[i] = '/'
		}
	}
}

// privateKeyAt returns where the body of a PEM block with a private key (RFC 7468)
// begins that the word b[start:end] is in, or is the first line of, with or
// without newlines, those of JSON included; -1 if it is in none.
func privateKeyAt(b []byte, start, end int) int {
	const head = "PRIVATE KEY-----"
	from := max(0, start-len(head)-2)
	if i := bytes.LastIndex(b[from:end], []byte(head)); i >= 0 && isKeyText(b[start:pemRun(b, start)]) {
		return from + i + len(head)
	}
	return -1
}

// blockEnd returns the end of the PEM body that goes on at b[i].
func blockEnd(b []byte, i int) int {
	if n := bytes.Index(b[i:], []byte("-----END")); n >= 0 {
		return i + n
	}
	return len(b)
}

// isRandom reports whether a value is as hard to guess as a secret should be:
// eight bytes or more, with as many bits in each as random text has.
func isRandom(v []byte) bool {
	v = v[:min(len(v), maxRandom)]
	if len(v) < minSecret || isWords(v) {
		return false
	}
	return entropy(v) >= min(minRandom, math.Log2(float64(len(v)))-0.5)
}

// isWords reports whether a value is made of letters of one case and separators
// only, as names, slugs and placeholders are.
func isWords(v []byte) bool {
	upper, lower := false, false
	for _, c := range v {
		switch {
		case isAlpha(c):
			upper, lower = upper || c < 'a', lower || c >= 'a'
		case c != '-' && c != '_' && c != ' ' && c != '.':
			return false
		}
	}
	return !upper || !lower || len(v) < minToken
}

// entropy returns the bits per byte of v, by the frequencies of its own bytes.
func entropy(v []byte) float64 {
	var count [256]uint16
	for _, c := range v {
		count[c]++
	}
	bits, n := 0.0, float64(len(v))
	for _, k := range count {
		if k > 0 {
			p := float64(k) / n
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
