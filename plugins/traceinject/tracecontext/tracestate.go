package tracecontext

import (
	"errors"
	"strings"
)

// Limits of tracestate, in members and in characters.
const (
	// MaxMembers is the most members that a tracestate may have.
	MaxMembers = 32
	// MinPropagated is the number of characters that every participant should
	// propagate; no one need propagate more.
	MinPropagated = 512

	maxKeyLen   = 256
	maxValueLen = 256
	// longMember is the length past which a member is dropped first.
	longMember = 128
)

// Reasons why a tracestate is dropped as a whole. The traceparent beside it
// stays valid.
var (
	ErrTracestateKey     = errors.New("tracestate has a member with an invalid key")
	ErrTracestateValue   = errors.New("tracestate has a member with an invalid value")
	ErrTracestateMember  = errors.New("tracestate has a member without an equals sign")
	ErrTracestateMembers = errors.New("tracestate has more than 32 members")
)

// Member is one vendor's entry.
type Member struct {
	Key, Value string
}

func (m Member) len() int { return len(m.Key) + len("=") + len(m.Value) }

// Tracestate is a tracestate header: one member per key, the most recent first.
type Tracestate []Member

// ParseTracestate reads a tracestate header value; several header lines must
// be joined with commas first (RFC 9110 section 5.3). Empty members are
// skipped. Of several members with one key the first, and so the most recent,
// stays: discarding duplicates is an allowed mutation, and losing every other
// vendor's entry over one is not worth it.
//
// The error is one of the errors of this package; the result is then nil.
func ParseTracestate(value string) (Tracestate, error) {
	var state Tracestate
	members := 0
	for entry := range strings.SplitSeq(value, ",") {
		// Leading whitespace cannot belong to a key, trailing not to a value.
		entry = strings.Trim(entry, " \t")
		if entry == "" {
			continue
		}
		if members++; members > MaxMembers {
			return nil, ErrTracestateMembers
		}
		m, err := parseMember(entry)
		if err != nil {
			return nil, err
		}
		if _, repeated := state.Get(m.Key); !repeated {
			state = append(state, m)
		}
	}
	return state, nil
}

func parseMember(entry string) (Member, error) {
	key, value, ok := strings.Cut(entry, "=")
	switch {
	case !ok:
		return Member{}, ErrTracestateMember
	case !validKey(key):
		return Member{}, ErrTracestateKey
	case !validValue(value):
		return Member{}, ErrTracestateValue
	}
	return Member{Key: key, Value: value}, nil
}

// validKey implements Level 2's key, which dropped Level 1's tenant@system form
// for a plain character set with "@" in it.
func validKey(key string) bool {
	if key == "" || len(key) > maxKeyLen || !isLowerAlphanumeric(key[0]) {
		return false
	}
	for i := 1; i < len(key); i++ {
		if !isLowerAlphanumeric(key[i]) && strings.IndexByte("_-*/@", key[i]) < 0 {
			return false
		}
	}
	return true
}

func isLowerAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// validValue: printable ASCII without comma and equals sign, no space at the
// end; spaces at the start are part of the value.
func validValue(value string) bool {
	if value == "" || len(value) > maxValueLen || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == ',' || c == '=' {
			return false
		}
	}
	return true
}

// Get is the value of a key, and whether there is one.
func (s Tracestate) Get(key string) (string, bool) {
	for _, m := range s {
		if m.Key == key {
			return m.Value, true
		}
	}
	return "", false
}

// String writes s as one header value, without optional whitespace.
func (s Tracestate) String() string {
	var b strings.Builder
	b.Grow(s.len())
	for i, m := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.Key)
		b.WriteByte('=')
		b.WriteString(m.Value)
	}
	return b.String()
}

// len is the length of String.
func (s Tracestate) len() int {
	if len(s) == 0 {
		return 0
	}
	n := len(s) - 1
	for _, m := range s {
		n += m.len()
	}
	return n
}

// Truncate drops whole members until s fits into limit characters, in the
// order that the specification gives: members of more than 128 characters
// first, from the right, then any from the right.
func (s Tracestate) Truncate(limit int) Tracestate {
	if s.len() <= limit {
		return s
	}
	kept := append(Tracestate(nil), s...)
	for i := len(kept) - 1; i >= 0 && kept.len() > limit; i-- {
		if kept[i].len() > longMember {
			kept = append(kept[:i], kept[i+1:]...)
		}
	}
	for len(kept) > 0 && kept.len() > limit {
		kept = kept[:len(kept)-1]
	}
	return kept
}
