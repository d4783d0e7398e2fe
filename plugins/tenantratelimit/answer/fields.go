// Package answer writes what a client is told about its limits: the RateLimit
// fields of draft-ietf-httpapi-ratelimit-headers-10, Retry-After, and problem
// documents (RFC 9457).
package answer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Policy is one quota policy as clients see it.
type Policy struct {
	// Name is a structured-field string already; see [String].
	Name string
	// Quota is the units in a window.
	Quota int64
	// Window is zero where windows differ in length, as months do.
	Window time.Duration
	// Burst is what a token bucket holds, if that is another number than Quota.
	Burst int64
}

// PolicyField is the value of RateLimit-Policy: what the limits are, the same
// on every response.
func PolicyField(policies []Policy) string {
	var b strings.Builder
	for i, p := range policies {
		separate(&b, i)
		b.WriteString(p.Name)
		param(&b, "q", p.Quota)
		if p.Window > 0 {
			param(&b, "w", Seconds(p.Window))
		}
		if p.Burst > 0 && p.Burst != p.Quota {
			param(&b, "gatehouse-burst", p.Burst)
		}
	}
	return b.String()
}

// Standing is where one policy stands for this client.
type Standing struct {
	// Name is a structured-field string already; see [String].
	Name      string
	Remaining int64
	// Reset is the time until more quota becomes available, zero if all is there.
	Reset time.Duration
	// Blocked says that the quota is 0, and nobody knows when there will be more.
	Blocked bool
}

// LimitField is the value of RateLimit: what is left, and seconds until there
// is more, rounded up.
func LimitField(standings []Standing) string {
	var b strings.Builder
	b.Grow(len(standings) * 32)
	for i, s := range standings {
		separate(&b, i)
		b.WriteString(s.Name)
		param(&b, "r", s.Remaining)
		if !s.Blocked {
			param(&b, "t", Seconds(s.Reset))
		}
	}
	return b.String()
}

// Seconds rounds up to whole seconds, so that who waits them out is not early.
func Seconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d + time.Second - 1) / time.Second)
}

// String serialises a structured-field string (RFC 9651, section 4.1.6), which
// holds printable ASCII only.
func String(s string) (string, error) {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c > 0x7e {
			return "", fmt.Errorf("%q has a byte at %d that no header string can hold; use printable ASCII", s, i)
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String(), nil
}

func separate(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteString(", ")
	}
}

func param(b *strings.Builder, key string, n int64) {
	b.WriteByte(';')
	b.WriteString(key)
	b.WriteByte('=')
	b.WriteString(strconv.FormatInt(n, 10))
}
