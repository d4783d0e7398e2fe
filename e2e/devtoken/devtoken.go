// Package devtoken signs bearer tokens as the sample auth service does, for tests that
// need a token which that would not issue, and asks the service for those that it does.
// Its private keys are public, by design: never let a gateway that anybody else can reach
// trust them.
package devtoken

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Client names the kind of application that a token is issued to; each has an
// issuer, and so a Kong consumer and an ACL group, of its own.
type Client string

// The clients that kong.yaml knows.
const (
	Web    Client = "web"    // RS256
	Mobile Client = "mobile" // ES256
)

// Audience is whom all tokens are for: their aud.
const Audience = "gatehouse"

var issuers = map[Client]struct{ name, keyFile string }{
	Web:    {"https://id.gatehouse.test/web", "keys/web.dev-only.pem"},
	Mobile: {"https://id.gatehouse.test/mobile", "keys/mobile.dev-only.pem"},
}

// Claims are what a token says of its bearer. The gateway reads `tenant`, `sub`
// and `plan`, and refuses a token outside [NotBefore, Expires).
type Claims struct {
	Tenant    string
	User      string
	Plan      string // empty: the claim is left out
	NotBefore time.Time
	Expires   time.Time
}

// Sign returns a compact JWS (RFC 7515) of the client's issuer, by its development key.
func Sign(client Client, c Claims) (string, error) {
	key, err := DevelopmentKey(client)
	if err != nil {
		return "", err
	}
	return SignBy(key, client, c)
}

// SignBy is [Sign] by another key of the issuer's.
func SignBy(key Key, client Client, c Claims) (string, error) {
	issuer, err := Issuer(client)
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss":    issuer,
		"aud":    Audience,
		"sub":    c.User,
		"tenant": c.Tenant,
		"iat":    c.NotBefore.Unix(),
		"nbf":    c.NotBefore.Unix(),
		"exp":    c.Expires.Unix(),
	}
	if c.Plan != "" {
		claims["plan"] = c.Plan
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return key.Sign(base64.RawURLEncoding.EncodeToString(payload))
}

// Issuer is who issues the client's tokens: their iss.
func Issuer(client Client) (string, error) {
	issuer, ok := issuers[client]
	if !ok {
		return "", fmt.Errorf("client %q is unknown: use one of %s", client, strings.Join(Clients(), ", "))
	}
	return issuer.name, nil
}

// Secret is what the client shows to the auth service's token endpoint.
func Secret(client Client) string { return "dev-only-" + string(client) }

// Clients lists the client names, sorted.
func Clients() []string {
	var names []string
	for c := range maps.Keys(issuers) {
		names = append(names, string(c))
	}
	slices.Sort(names)
	return names
}
