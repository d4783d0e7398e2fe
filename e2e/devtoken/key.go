package devtoken

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"embed"
	"encoding/base64"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

//go:embed keys/*.pem
var keys embed.FS

// rsaBits is the size of an RSA key.
const rsaBits = 2048

// Key signs tokens, whose header names it.
type Key struct {
	ID      string // kid
	Method  jwt.SigningMethod
	Private crypto.Signer
}

// DevelopmentKey is the key that the client's issuer begins with, the same everywhere.
func DevelopmentKey(client Client) (Key, error) {
	if _, err := Issuer(client); err != nil {
		return Key{}, err
	}
	pem, err := keys.ReadFile(issuers[client].keyFile)
	if err != nil {
		return Key{}, fmt.Errorf("read signing key: %w", err)
	}
	key := Key{ID: "dev-only-" + string(client), Method: method(client)}
	if client == Mobile {
		key.Private, err = jwt.ParseECPrivateKeyFromPEM(pem)
	} else {
		key.Private, err = jwt.ParseRSAPrivateKeyFromPEM(pem)
	}
	if err != nil {
		return Key{}, fmt.Errorf("parse signing key of %s: %w", client, err)
	}
	return key, nil
}

// NewKey makes a key for the client's issuer, with an ID that no other has.
func NewKey(client Client) (key Key, err error) {
	if _, err := Issuer(client); err != nil {
		return Key{}, err
	}
	key = Key{ID: uuid.NewString(), Method: method(client)}
	if client == Mobile {
		key.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		key.Private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return Key{}, fmt.Errorf("make a signing key for %s: %w", client, err)
	}
	return key, nil
}

func method(client Client) jwt.SigningMethod {
	if client == Mobile {
		return jwt.SigningMethodES256
	}
	return jwt.SigningMethodRS256
}

// Sign returns a token with that payload, which is encoded already, in whatever way: the
// middle part of the token.
func (k Key) Sign(payload string) (string, error) {
	header := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, k.Method.Alg(), k.ID)
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload
	signature, err := k.Method.Sign(signed, k.Private)
	if err != nil {
		return "", fmt.Errorf("sign token by key %s: %w", k.ID, err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
