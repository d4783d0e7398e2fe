package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDLength is the longest identifier passed on as it is, in bytes.
const MaxIDLength = 128

// Clean makes an identifier safe. One that is too long, is not valid UTF-8,
// begins or ends with a space, or holds anything that does not print (control
// characters, line breaks, invisible and direction-changing characters, the
// stand-in for what could not be decoded) is replaced by its hash. Its owner is still limited, in a counter of its own,
// but no header names them: an upstream sees a request without that identity.
func Clean(raw string) ID {
	if fit(raw) {
		return ID{Value: raw}
	}
	sum := sha256.Sum256([]byte(raw))
	return ID{Value: hex.EncodeToString(sum[:16]), Hashed: true}
}

func fit(s string) bool {
	if plain(s) {
		return true
	}
	if len(s) > MaxIDLength || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// plain is true for what most identifiers are made of.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return len(s) <= MaxIDLength
}
