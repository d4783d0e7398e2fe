package scrub

// keyAlphabet says which bytes a part of a key has.
type keyAlphabet uint8

const (
	ofDigit keyAlphabet = iota
	ofHex
	ofAnyhex
	ofBase32
	ofLower
	ofUpper
	ofAlnum
	ofMixed // of both cases
	ofWord
	ofBase64
	ofUUID
	ofBehind // any word behind the prefix, in the same URL or key
)

// has reports whether a key of the alphabet may have the byte.
func (a keyAlphabet) has(c byte) bool {
	switch a {
	case ofDigit:
		return isDigit(c)
	case ofHex:
		return isDigit(c) || c >= 'a' && c <= 'f'
	case ofAnyhex:
		return is(c, hexDigit)
	case ofBase32:
		return c >= '2' && c <= '7' || c >= 'a' && c <= 'z'
	case ofLower:
		return isDigit(c) || c >= 'a' && c <= 'z'
	case ofUpper:
		return isDigit(c) || c >= 'A' && c <= 'Z'
	case ofAlnum:
		return is(c, alnum)
	case ofBase64:
		return is(c, alnum) || c == '+' || c == '/'
	}
	return is(c, wordByte)
}

// fits reports whether b[i:end], which has no other bytes, is what the alphabet's name says.
func (a keyAlphabet) fits(b []byte, i, end int) bool {
	switch a {
	case ofUUID:
		return isUUID(b, i)
	case ofMixed:
		upper, lower := false, false
		for _, c := range b[i:end] {
			upper, lower = upper || c >= 'A' && c <= 'Z', lower || c >= 'a' && c <= 'z'
		}
		return upper && lower
	}
	return true
}

// trail returns the end of the padding at b[i:], which base64 has (RFC 4648, 4).
func (a keyAlphabet) trail(b []byte, i int) int {
	for a == ofBase64 && at(b, i) == '=' {
		i++
	}
	return i
}

// maxNumber is how many digits the numbers in the names of things have: those of a year.
const maxNumber = 4

// isSlug reports whether a text is made of words and numbers, each a part of its own or a
// number behind a word, as names of things are: "render_component_v2", "Level2-Product".
func isSlug(v []byte) bool {
	for i := 0; i < len(v); i++ {
		first := i
		for i < len(v) && isAlpha(v[i]) {
			i++
		}
		word := v[first:i]
		end := skipDigits(v, i)
		if end-i > maxNumber {
			return false
		}
		if end > i && isAlpha(at(v, end)) {
			end++ // "2x"
		}
		if i = end; !isOneWord(word) || is(at(v, i), alnum) {
			return false
		}
	}
	return true
}

// isOneWord reports whether letters are of one case, but for a first capital.
func isOneWord(w []byte) bool {
	upper := 0
	for _, c := range w {
		if c < 'a' {
			upper++
		}
	}
	return upper == 0 || upper == len(w) || upper == 1 && w[0] < 'a'
}
