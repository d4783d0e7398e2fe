package limiter

import (
	"strconv"
	"strings"
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
	var b strings.Builder
	b.Grow(len(prefix) + len(l.Name) + 64)
	writeTag(&b, prefix, parts[0])
	b.WriteByte(':')
	escape(&b, l.Name)
	b.WriteByte(':')
	writeShape(&b, l)
	for _, p := range parts[1:] {
		b.WriteByte(':')
		p.write(&b)
	}
	return b.String()
}

// OverridesKey is where a tenant's run-time overrides are kept, in the slot of
// the tenant's counters.
func OverridesKey(prefix string, tenant Part) string {
	var b strings.Builder
	writeTag(&b, prefix, tenant)
	b.WriteString(":overrides")
	return b.String()
}

func writeTag(b *strings.Builder, prefix string, p Part) {
	b.WriteString(prefix)
	b.WriteString(":{")
	p.write(b)
	b.WriteByte('}')
}

func writeShape(b *strings.Builder, l *Limit) {
	if l.Algorithm == Calendar {
		b.WriteString("c-")
		b.WriteString(string(l.Period))
		return
	}
	b.WriteByte(l.wire[0][0])
	b.WriteString(strconv.FormatInt(int64(l.Window.Seconds()), 10))
}

func (p Part) write(b *strings.Builder) {
	b.WriteByte(p.Kind)
	if p.Hashed {
		b.WriteByte('#')
	} else {
		b.WriteByte('.')
	}
	escape(b, p.ID)
}

// escape writes every byte but unreserved ones as %XX.
func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '_' || c == '.' || c == '~' || c == '@'
}
