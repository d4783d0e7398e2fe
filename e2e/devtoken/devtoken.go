// Package devtoken signs the bearer tokens that kong.yaml's development issuers
// are trusted for. Its private keys are public, by design: never put the issuers
// below into a gateway that anybody else can reach.
package devtoken

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

//go:embed keys/*.pem
var keys embed.FS

// Client names the kind of application that a token is issued to; each has an
// issuer, and so a Kong consumer and an ACL group, of its own.
type Client string

// The clients that kong.yaml knows.
const (
	Web    Client = "web"    // RS256
	Mobile Client = "mobile" // ES256
)

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

// Sign returns a compact JWS (RFC 7515) for the client's issuer.
func Sign(client Client, c Claims) (string, error) {
	issuer, err := Issuer(client)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{
		"iss":    issuer,
		"sub":    c.User,
		"tenant": c.Tenant,
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
	return SignSegment(client, base64.RawURLEncoding.EncodeToString(payload))
}

// Issuer is who issues the client's tokens: their iss.
func Issuer(client Client) (string, error) {
	issuer, ok := issuers[client]
	if !ok {
		return "", fmt.Errorf("client %q is unknown: use one of %s", client, strings.Join(Clients(), ", "))
	}
	return issuer.name, nil
}

// SignSegment is [Sign] for a payload that is encoded already, in whatever way: the
// middle part of the token. It must name the client's [Issuer].
func SignSegment(client Client, payload string) (string, error) {
	method, key, err := signingKey(client)
	if err != nil {
		return "", err
	}
	header := fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, method.Alg())
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload
	signature, err := method.Sign(signed, key)
	if err != nil {
		return "", fmt.Errorf("sign token of %s: %w", client, err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func signingKey(client Client) (method jwt.SigningMethod, key any, err error) {
	pem, err := keys.ReadFile(issuers[client].keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read signing key: %w", err)
	}
	if method = jwt.SigningMethodRS256; client == Mobile {
		method = jwt.SigningMethodES256
		key, err = jwt.ParseECPrivateKeyFromPEM(pem)
	} else {
		key, err = jwt.ParseRSAPrivateKeyFromPEM(pem)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("parse signing key of %s: %w", client, err)
	}
	return method, key, nil
}

// Clients lists the client names, sorted.
func Clients() []string {
	var names []string
	for c := range maps.Keys(issuers) {
		names = append(names, string(c))
	}
	slices.Sort(names)
	return names
}
