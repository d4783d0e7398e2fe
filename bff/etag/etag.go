// Package etag makes and compares entity tags (RFC 9110, section 8.8.3).
package etag

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Cache-Control of the BFFs' answers: they are one user's, so never for a
// shared cache, and stale at once, but good again if revalidated.
const (
	Private = "private, no-cache"
	NoStore = "no-store"
)

// Of returns the weak entity tag of a representation: half of its SHA-256. It is weak
// because the gateway may compress the bytes on the way.
func Of(representation []byte) string {
	sum := sha256.Sum256(representation)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2]) + `"`
}

// Matches tells whether the value of an If-None-Match header holds tag, by weak
// comparison (RFC 9110, 13.1.2). `*` matches anything; a value that is not a
// list of entity tags matches as far as it could be read.
func Matches(ifNoneMatch, tag string) bool {
	rest := strings.TrimLeft(ifNoneMatch, " \t")
	if rest == "*" {
		return true
	}
	want := opaque(tag)
	for rest != "" {
		rest = strings.TrimPrefix(strings.TrimLeft(rest, " \t,"), "W/")
		if !strings.HasPrefix(rest, `"`) {
			return false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return false
		}
		if rest[:end+2] == want {
			return true
		}
		rest = rest[end+2:]
	}
	return false
}

// opaque is the tag without its weakness indicator.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }
