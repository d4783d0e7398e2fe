// Package devtoken signs the bearer tokens that kong.yaml's development issuers
// are trusted for. Its private keys are public, by design: never put the issuers
// below into a gateway that anybody else can reach.
package devtoken

import (
	"embed"
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
	issuer, ok := issuers[client]
	if !ok {
		return "", fmt.Errorf("client %q is unknown: use one of %s", client, strings.Join(Clients(), ", "))
	}
	pem, err := keys.ReadFile(issuer.keyFile)
	if err != nil {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	claims := jwt.MapClaims{
		"iss":    issuer.name,
		"sub":    c.User,
		"tenant": c.Tenant,
		"nbf":    c.NotBefore.Unix(),
		"exp":    c.Expires.Unix(),
	}
	if c.Plan != "" {
		claims["plan"] = c.Plan
	}
	return sign(client, pem, claims)
}

func sign(client Client, pem []byte, claims jwt.MapClaims) (string, error) {
	if client == Mobile {
		key, err := jwt.ParseECPrivateKeyFromPEM(pem)
		if err != nil {
			return "", fmt.Errorf("parse signing key of %s: %w", client, err)
		}
		return jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(key)
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(pem)
	if err != nil {
		return "", fmt.Errorf("parse signing key of %s: %w", client, err)
	}
	return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
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
