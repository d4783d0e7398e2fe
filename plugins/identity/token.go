package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Token is the payload of a verified token. Claims match by their exact names, dots
// and all: encoding/json would match a struct's fields whatever their case. Of two
// claims with one name the last counts.
type Token struct{ claims map[string]json.RawMessage }

// ReadToken reads the payload of a JWT (RFC 7519) whose signature somebody else
// has verified. It is nil for the empty string. A payload that is not a JSON
// object has no claims.
func ReadToken(raw string) *Token {
	if raw == "" {
		return nil
	}
	return &Token{claims: decodeClaims(raw)}
}

// decodeClaims takes base64url as Kong does, which ends at the first padding.
func decodeClaims(token string) map[string]json.RawMessage {
	_, rest, found := strings.Cut(token, ".")
	payload, _, signed := strings.Cut(rest, ".")
	if !found || !signed {
		return nil
	}
	payload, _, _ = strings.Cut(payload, "=")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	return claims
}

// Claim is who a claim names: a string, or a number as it is written. Any other
// claim names nobody, and neither does one that is not there, an empty name, or a
// token that is not there.
func (t *Token) Claim(name string) ID {
	if t == nil || name == "" {
		return ID{}
	}
	return Clean(t.text(name))
}

func (t *Token) text(name string) string {
	raw := t.claims[name]
	if len(raw) == 0 {
		return ""
	}
	switch {
	case raw[0] == '"':
		if plain := raw[1 : len(raw)-1]; utf8.Valid(plain) && bytes.IndexByte(plain, '\\') < 0 {
			return string(plain) // nothing to decode, as in nearly all
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return string(raw)
	}
	return ""
}
