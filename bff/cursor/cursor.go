// Package cursor seals the cursors of lists: what a client holds cannot be read, made up,
// changed, or used in another list or by another tenant, and is good for a day.
//
// A cursor is sealed with AES-256-GCM (NIST SP 800-38D), whose nonce is random: one key
// seals up to 2³² cursors, at a thousand a second for seven weeks. Take a new one before.
package cursor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Life is how long a cursor is good for.
const Life = 24 * time.Hour

// Errors of Open.
var (
	ErrForged  = errors.New("cursor was not sealed for this")
	ErrExpired = fmt.Errorf("cursor is older than %v", Life)
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// timeSize is what the time of the sealing takes, in bytes: seconds since 1970.
const timeSize = 8

// Sealer seals and opens cursors. It is safe for concurrent use.
type Sealer struct {
	keys []cipher.AEAD // the first seals, each opens
}

// ParseKeys reads keys as base64 of 32 bytes each, with commas between them, as
// `openssl rand -base64 32` prints one. Its errors name no key.
func ParseKeys(text string) ([][]byte, error) {
	var keys [][]byte
	for i, field := range strings.Split(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(field))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("key %d is not base64 of %d bytes: make one with `openssl rand -base64 %d`", i+1, keySize, keySize)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// New returns a Sealer with keys of 32 bytes, at least one. The first seals and all open,
// so that keys rotate: add the new one behind the first, in every process; put it first,
// in every process; and a day later take the old one out.
func New(first []byte, more ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, key := range append([][]byte{first}, more...) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("take key of cursors: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("take key of cursors: %w", err)
		}
		s.keys = append(s.keys, aead)
	}
	return s, nil
}

// Random returns a Sealer with a key of its own: nobody else opens what it seals.
func Random() (*Sealer, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	return New(key)
}

// Scope is where a cursor is good: a list, whose it is, and by what it is filtered. Parts
// must be named in the same order each time.
type Scope []string

// bytes tells scopes apart whatever is in their parts.
func (s Scope) bytes() []byte {
	var b []byte
	for _, part := range s {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Seal makes a cursor of text, which only Open gives back.
func (s *Sealer) Seal(scope Scope, text string, now time.Time) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, timeSize+len(text)), uint64(now.Unix()))
	sealed := s.keys[0].Seal(nil, nil, append(plain, text...), scope.bytes())
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open gives the text of a cursor that Seal made for scope, with any of the keys and not
// longer than Life ago.
func (s *Sealer) Open(scope Scope, cursor string, now time.Time) (string, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || strings.ContainsAny(cursor, "\r\n") { // which the decoder overlooks
		return "", ErrForged
	}
	for _, key := range s.keys {
		plain, err := key.Open(nil, nil, sealed, scope.bytes())
		if err != nil {
			continue
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
		if now.Sub(at) > Life {
			return "", ErrExpired
		}
		return string(plain[timeSize:]), nil
	}
	return "", ErrForged
}
