package scrub

// class is a set of properties of a byte.
type class uint8

const (
	digit     class = 1 << iota
	letter          // A-Z and a-z
	hexLetter       // A-F and a-f
	wordByte        // letters, digits, '-' and '_': base64url, UUIDs, most keys
	nameByte        // may stand in the name of a field
	localByte       // may stand in the local part of an e-mail address
	blank           // space, tab, carriage return, newline
	valueEnd        // ends a value that is not quoted
)

const (
	alnum    = digit | letter
	hexDigit = digit | hexLetter
)

// classes is never written to once it is made.
var classes = makeClasses()

func makeClasses() (t [256]class) {
	for c := range 256 {
		b := byte(c)
		switch {
		case isDigit(b):
			t[c] = digit | wordByte | nameByte | localByte
		case isAlpha(b):
			t[c] = letter | wordByte | nameByte | localByte
			if b|0x20 <= 'f' {
				t[c] |= hexLetter
			}
		case b >= 0x80:
			t[c] = localByte
		}
	}
	add := func(s string, k class) {
		for i := range len(s) {
			t[s[i]] |= k
		}
	}
	add("-_", wordByte)
	add("-_.[]$%", nameByte)
	add("._+-'!#$*~^", localByte)
	add(" \t\r\n", blank|valueEnd)
	add("&;,\"'()]}<>|\\", valueEnd)
	return t
}

func isDigit(c byte) bool     { return c-'0' <= 9 }
func isAlpha(c byte) bool     { return c|0x20-'a' <= 'z'-'a' }
func is(c byte, k class) bool { return classes[c]&k != 0 }

// fold returns the lower case of an ASCII letter and any other byte as it is.
func fold(c byte) byte {
	if c-'A' <= 'Z'-'A' {
		return c | 0x20
	}
	return c
}

// at returns b[i], or a space where i is outside of b.
func at(b []byte, i int) byte {
	if uint(i) < uint(len(b)) {
		return b[i]
	}
	return ' '
}

// foldPrefix reports whether b[i:] begins with the lower-case word, in any case.
func foldPrefix(b []byte, i int, word string) bool {
	if i < 0 || len(b)-i < len(word) {
		return false
	}
	for k := range len(word) {
		if fold(b[i+k]) != word[k] {
			return false
		}
	}
	return true
}

// hexValue returns the value of a hexadecimal digit, or -1.
func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case is(c, hexLetter):
		return int(c|0x20-'a') + 10
	}
	return -1
}

// boundary reports whether a value may begin at b[i]: the byte before is no
// letter and no digit, unless it is the letter of an escape such as \n.
func boundary(b []byte, i int) bool {
	if i == 0 || !is(b[i-1], alnum) {
		return true
	}
	return i >= 2 && b[i-2] == '\\' && !isDigit(b[i-1])
}
