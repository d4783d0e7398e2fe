package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Token is the payload of a verified token. Claims match by their exact names:
// encoding/json would match a struct's fields whatever their case.
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

func decodeClaims(token string) map[string]json.RawMessage {
	_, rest, found := strings.Cut(token, ".")
	payload, _, signed := strings.Cut(rest, ".")
	if !found || !signed {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	if err != nil {
		return nil
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	return claims
}

// Claim is a claim that is a string or a number, numbers as they are written.
// Any other claim identifies nobody, and is empty.
func (t *Token) Claim(name string) string {
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

// Identifier is a claim as an [ID], unknown where there is no token.
func (t *Token) Identifier(name string) ID {
	if t == nil {
		return ID{}
	}
	return Clean(t.Claim(name))
}
