package limiter

import (
	"strconv"
	"strings"
	"time"
)

// Part is one component of whose counter it is: a kind ('t' for tenant) and an
// identifier.
type Part struct {
	Kind byte
	ID   string
	// Hashed marks an ID that stands for one unfit to be used as it is, so that
	// nobody can choose an identifier that meets another's hash.
	Hashed bool
}

// Key builds a counter's Redis key. The first part is the hash tag, so all
// keys of a tenant are in one slot of a Redis Cluster:
//
//	gatehouse:{t.acme}:per-user:b60:u.alice
//
// b60 is the algorithm and the window in seconds: limits of one name count
// together wherever they are configured, unless those differ. Identifiers are
// escaped, so no byte in one can end the tag or the part it stands in.
func Key(prefix string, l *Limit, parts []Part) string {
	var array [192]byte // more is rare, and allocated
	b := append(appendTag(array[:0], prefix, parts[0]), l.keyPart...)
	for _, p := range parts[1:] {
		b = p.append(append(b, ':'))
	}
	return string(b)
}

// keyPart is a limit's name and shape, with a colon before each.
func keyPart(s Spec) string {
	b := append(appendEscaped([]byte{':'}, s.Name), ':')
	if s.Algorithm == Calendar {
		return string(append(b, "c-"+s.Period...))
	}
	b = append(b, letters[s.Algorithm])
	return string(strconv.AppendInt(b, int64(s.Window/time.Second), 10))
}

// letters stand for algorithms in keys and in the script's arguments.
var letters = map[Algorithm]byte{TokenBucket: 'b', SlidingWindow: 's', FixedWindow: 'f', Calendar: 'c'}

// Tag is the part of a key that says which slot of a Redis Cluster it is in,
// from the key's beginning to the closing brace.
func Tag(key string) string { return key[:strings.IndexByte(key, '}')+1] }

// OverridesKey is where a tenant's run-time overrides are kept, in the slot of
// the tenant's counters.
func OverridesKey(prefix string, tenant Part) string {
	var array [192]byte
	return string(append(appendTag(array[:0], prefix, tenant), ":overrides"...))
}

func appendTag(b []byte, prefix string, p Part) []byte {
	return append(p.append(append(append(b, prefix...), ":{"...)), '}')
}

// String is the part as keys have it, escaped.
func (p Part) String() string {
	var array [128]byte
	return string(p.append(array[:0]))
}

func (p Part) append(b []byte) []byte {
	mark := byte('.')
	if p.Hashed {
		mark = '#'
	}
	return appendEscaped(append(b, p.Kind, mark), p.ID)
}

// appendEscaped writes every byte but unreserved ones as %XX.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '_' || c == '.' || c == '~' || c == '@'
}
