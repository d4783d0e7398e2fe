package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ID is an identifier that is safe in a header, in a Redis key and in a log.
type ID struct {
	Value string
	// Hashed is true where Value stands for an identifier unfit to be passed
	// on: a counter may be kept for it, a header never says it.
	Hashed bool
}

// Known is true for an identifier that was given.
func (id ID) Known() bool { return id.Value != "" }

// hashMark begins the text of a hashed identifier.
const hashMark = "#"

// String is the identifier as a record of what happened has it: one that was hashed
// has a mark before it. No two identifiers have one text.
func (id ID) String() string {
	if id.Hashed {
		return hashMark + id.Value
	}
	return id.Value
}

// MaxIDLength is the longest identifier passed on as it is, in bytes.
const MaxIDLength = 128

// hashLength is how many bytes of an identifier's SHA-256 stand for it.
const hashLength = 16

// Clean makes an identifier safe. One that is too long, is not valid UTF-8,
// begins or ends with a space, reads as the text of a hashed one, or holds anything
// that does not print (control characters, line breaks, invisible and
// direction-changing characters, the stand-in for what could not be decoded) is
// replaced by its hash. Its owner is still limited, in a counter of its own, and told
// apart in the audit record, but no header names them: an upstream sees a request
// without that identity.
//
// A [Principal] is clean already. This is for what is no part of one.
func Clean(raw string) ID {
	if fit(raw) {
		return ID{Value: raw}
	}
	sum := sha256.Sum256([]byte(raw))
	return ID{Value: hex.EncodeToString(sum[:hashLength]), Hashed: true}
}

func fit(s string) bool {
	if readsAsHashed(s) {
		return false
	}
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

// readsAsHashed is true for what could be taken for [ID.String] of a hashed identifier:
// else somebody could choose a name that is another's in the audit record.
func readsAsHashed(s string) bool {
	digits, marked := strings.CutPrefix(s, hashMark)
	return marked && len(digits) == hex.EncodedLen(hashLength)
}
