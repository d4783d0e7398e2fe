// Package apikey has the form of a partner's API key, by which whoever finds one knows
// what it is, and the scrubber finds it in free text: a prefix, 256 random bits, and a
// checksum of both.
//
//	gatehouse_ 43 digits 6 digits, without the blanks
//
// The random part and the checksum (CRC-32, IEEE) are numbers in base 62. Digits are 0-9, A-Z and a-z, so that a key needs no escape in a header, a URL,
// JSON or YAML, and is selected whole by a double click. The form is that of GitHub's
// tokens: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
package apikey

import (
	"bytes"
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"
)

// Prefix begins each key.
const Prefix = "gatehouse_"

// The lengths of a key's parts, in bytes: 62^43 is more than 2^256, 62^6 more than 2^32.
const (
	randomLength   = 43
	checksumLength = 6
	// Length is that of a key.
	Length = len(Prefix) + randomLength + checksumLength
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// New makes a key. There is no error: a system without random numbers ends the process.
func New() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // which never fails
	return of(&secret)
}

func of(secret *[32]byte) string {
	text := []byte(Prefix + strings.Repeat("0", randomLength+checksumLength))
	body := text[len(Prefix):]
	number, base, digit := new(big.Int).SetBytes(secret[:]), big.NewInt(int64(len(digits))), new(big.Int)
	for i := randomLength - 1; i >= 0; i-- {
		number.DivMod(number, base, digit)
		body[i] = digits[digit.Int64()]
	}
	putChecksum(body[randomLength:], text[:len(Prefix)+randomLength])
	return string(text)
}

func putChecksum(into, of []byte) {
	sum := crc32.ChecksumIEEE(of)
	for i := checksumLength - 1; i >= 0; i-- {
		into[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
}

// Valid reports whether a text is a key, by its form and its checksum.
func Valid(text string) bool { return len(text) == Length && Index([]byte(text)) == 0 }

// Index is where the first key in a text begins, or -1: it is the [Length] bytes from
// there on, whatever stands around them. It allocates nothing.
func Index(text []byte) int {
	for from := 0; len(text)-from >= Length; {
		at := bytes.Index(text[from:], []byte(Prefix))
		if at < 0 || len(text)-from-at < Length {
			return -1
		}
		if from += at; isKey(text[from : from+Length]) {
			return from
		}
		from++
	}
	return -1
}

// leastPart is how many digits behind the prefix are nearly a key: with fewer of them, more
// than 160 random bits are still to be guessed.
const leastPart = 16

// Least is the length of the shortest text that [Find] takes for nearly a key.
const Least = len(Prefix) + leastPart

// Find is where the first key of a word is, or what is nearly one, from start to end: a
// prefix and a run of 16 digits or more before the next prefix, cut off or mistyped. What
// is missing of a key can be computed from its checksum, or tried. Of such a one all is
// taken up to the next prefix. Both are 0 where there is none. A word is made of letters,
// digits, '-' and '_'. Find allocates nothing.
func Find(word []byte) (start, end int) {
	for len(word)-start >= Least {
		at := bytes.Index(word[start:], []byte(Prefix))
		if at < 0 {
			break
		}
		start += at
		if len(word)-start >= Length && isKey(word[start:start+Length]) {
			return start, start + Length
		}
		end, body := len(word), start+len(Prefix)
		if next := bytes.Index(word[body:], []byte(Prefix)); next >= 0 {
			end = body + next
		}
		if hasPart(word[body:end]) {
			return start, end
		}
		start = end
	}
	return 0, 0
}

// hasPart reports whether a run of digits in a text is long enough to be most of a key,
// and is no name.
func hasPart(text []byte) bool {
	for len(text) >= leastPart {
		n := 0
		for n < len(text) && strings.IndexByte(digits, text[n]) >= 0 {
			n++
		}
		if n >= leastPart && !isName(text[:n]) {
			return true
		}
		text = text[min(n+1, len(text)):]
	}
	return false
}

// isName reports whether a run of digits is what people name things: letters of one case,
// with or without numbers, as digests, times and ULIDs are too, or words in camel case.
// One run in two thousand of sixteen random digits is, and of thirty one in a million.
func isName(run []byte) bool {
	upper, lower, number, camel := false, false, false, true
	for i, c := range run {
		switch {
		case c <= '9':
			number = true
		case c <= 'Z':
			upper = true
			camel = camel && isLower(run, i+1) && isLower(run, i+2)
		default:
			lower = true
		}
	}
	return !upper || !lower || camel && !number
}

func isLower(run []byte, i int) bool { return i >= len(run) || run[i] >= 'a' }

// isKey looks at a text of the right length that begins with the prefix.
func isKey(text []byte) bool {
	for _, c := range text[len(Prefix):] {
		if strings.IndexByte(digits, c) < 0 {
			return false
		}
	}
	var want [checksumLength]byte
	putChecksum(want[:], text[:len(Prefix)+randomLength])
	return string(text[len(Prefix)+randomLength:]) == string(want[:])
}

// Hint is what may be shown of a key to tell it from others: its prefix and its last four
// digits, which are of the checksum.
func Hint(key string) string { return Prefix + "…" + key[len(key)-4:] }
