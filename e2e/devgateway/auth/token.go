package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// token is a JWT whose signature is not verified yet
// (kong/plugins/jwt/jwt_parser.lua).
type token struct {
	algorithm string
	signed    string // header and claims as sent
	signature []byte
	header    map[string]any
	claims    map[string]any
}

var (
	errJSON      = errors.New("invalid JSON")
	errAlgorithm = errors.New("invalid alg")
)

func parseToken(text string) (*token, error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 3 {
		return nil, errJSON
	}
	t := &token{signed: parts[0] + "." + parts[1]}
	if err := decodePart(parts[0], &t.header); err != nil {
		return nil, errJSON
	}
	if err := decodePart(parts[1], &t.claims); err != nil {
		return nil, errJSON
	}
	t.algorithm, _ = t.header["alg"].(string)
	if !knownAlgorithm(t.algorithm) {
		return nil, errAlgorithm
	}
	signature, err := base64URL(parts[2])
	if err != nil {
		return nil, errors.New("invalid signature")
	}
	t.signature = signature
	return t, nil
}

func decodePart(part string, into any) error {
	text, err := base64URL(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// base64URL decodes with or without padding, up to where it begins.
func base64URL(s string) ([]byte, error) {
	text, _, _ := strings.Cut(s, "=")
	return base64.RawURLEncoding.DecodeString(text)
}

// knownAlgorithm reports whether Kong can verify an algorithm at all. An algorithm that
// it knows, but that is not the credential's, is another error.
func knownAlgorithm(alg string) bool {
	return alg == jwt.SigningMethodEdDSA.Alg() || alg != "none" && jwt.GetSigningMethod(alg) != nil
}

// verify checks the signature. The error is Kong's assertion about the length
// of an elliptic curve's signature, which ends in a 500.
func (t *token) verify(key any) (bool, error) {
	const es256Length = 64
	if t.algorithm == jwt.SigningMethodES256.Name && len(t.signature) != es256Length {
		return false, fmt.Errorf("signature must be %d bytes", es256Length)
	}
	return jwt.GetSigningMethod(t.algorithm).Verify(t.signed, t.signature, key) == nil, nil
}

// checkClaims returns what is wrong with the claims that must be verified.
func (t *token) checkClaims(names []string, now time.Time) map[string]any {
	problems := map[string]any{}
	for _, name := range names {
		at, isNumber := t.claims[name].(float64)
		switch {
		case !isNumber:
			problems[name] = "must be a number"
		case name == "exp" && at <= float64(now.Unix()):
			problems[name] = "token expired"
		case name == "nbf" && at > float64(now.Unix()):
			problems[name] = "token not valid yet"
		}
	}
	return problems
}
