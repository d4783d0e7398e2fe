package issuers

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/MicahParks/jwkset"

	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

// Key is a key that Kong can verify tokens with.
type Key struct {
	KID       string
	Algorithm string // a name of RFC 7518, section 3.1, or EdDSA
	PEM       string // SubjectPublicKeyInfo
	// Left is when the issuer was first seen without it, zero while it is published.
	Left time.Time
}

const (
	// maxKeys bounds an issuer's keys: a few at a time are usual.
	maxKeys = 100
	maxKID  = 256
)

// ReadKeys reads a JWKS (RFC 7517, section 5). Each key is parsed by itself, and refused
// says why keys are not taken. The error is that of a document with no key to take.
func ReadKeys(document []byte) (keys []Key, refused []error, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, nil, fmt.Errorf("the JWKS is malformed (%w); look what is at its address", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, nil, fmt.Errorf("the JWKS has %d keys, and more than %d are not read; look whether it is one issuer's", len(set.Keys), maxKeys)
	}
	for n, raw := range set.Keys {
		key, err := readKey(raw)
		if err != nil {
			refused = append(refused, fmt.Errorf("%s is not taken: %w", nameOf(raw, n), err))
			continue
		}
		keys = append(keys, key)
	}
	keys, doubles := withoutDoubles(keys)
	refused = append(refused, doubles...)
	if len(keys) == 0 {
		return nil, refused, errors.New("the JWKS has no key that Kong can verify a token with; look whether the issuer signs with RS256 or ES256")
	}
	return keys, refused, nil
}

// nameOf is what a key is called in a line about it.
func nameOf(raw json.RawMessage, n int) string {
	var named struct {
		KID string `json:"kid"`
	}
	if json.Unmarshal(raw, &named) != nil || named.KID == "" {
		return fmt.Sprintf("key %d", n+1)
	}
	return fmt.Sprintf("key %.100q", named.KID)
}

func readKey(raw json.RawMessage) (Key, error) {
	var written jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &written); err != nil {
		return Key{}, err
	}
	if err := checkUse(&written); err != nil {
		return Key{}, err
	}
	written.X5U = "" // nothing is fetched because a key says so
	parsed, err := jwkset.NewJWKFromMarshal(written, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return Key{}, fmt.Errorf("it cannot be read (%w)", err)
	}
	algorithm := cmp.Or(string(written.ALG), usual(parsed.Key()))
	if err := jwtkey.Check(algorithm, parsed.Key()); err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(parsed.Key())
	if err != nil {
		return Key{}, fmt.Errorf("it cannot be written as PEM (%w)", err)
	}
	return Key{KID: written.KID, Algorithm: algorithm, PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

// usual is the algorithm of a key whose JWK names none, as Entra's do: RS256 for RSA, which
// OpenID Connect has as the default, and what belongs to the curve for any other.
func usual(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return "RS256"
	case *ecdsa.PublicKey:
		return map[elliptic.Curve]string{elliptic.P256(): "ES256", elliptic.P384(): "ES384", elliptic.P521(): "ES512"}[key.Curve]
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return ""
}

// checkUse refuses what is not for verifying a token that names it.
func checkUse(key *jwkset.JWKMarshal) error {
	switch {
	case key.KTY == jwkset.KtyOct || key.K != "":
		return errors.New("it is symmetric (oct), and whoever can read it can sign; have the issuer sign with RS256 or ES256")
	case len(key.OTH) > 0 || cmp.Or(key.D, key.P, key.Q, key.DP, key.DQ, key.QI) != "":
		return errors.New("it is a private key, which no JWKS may have; have the issuer replace it")
	case key.USE != "" && key.USE != jwkset.UseSig:
		return fmt.Errorf("its use is %.20q, and only keys for signatures (sig) verify tokens", key.USE)
	case len(key.KEYOPS) > 0 && !slices.Contains(key.KEYOPS, jwkset.KeyOpsVerify):
		return errors.New("its key_ops have no verify, and only keys for signatures verify tokens")
	case key.KID == "":
		return errors.New("it has no kid, by which Kong finds it; have the issuer publish one")
	case strings.Contains(key.KID, vaultReference):
		return errors.New("its kid is a vault reference, which Kong would take as it stands; have the issuer name it otherwise")
	case len(key.KID) > maxKID || !utf8.ValidString(key.KID) || strings.ContainsFunc(key.KID, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("its kid is not up to %d printable characters; have the issuer name it otherwise", maxKID)
	}
	return nil
}

// withoutDoubles leaves out keys of one kid: Kong finds one key by it.
func withoutDoubles(keys []Key) (single []Key, refused []error) {
	of := map[string][]Key{}
	for _, key := range keys {
		if !slices.Contains(of[key.KID], key) {
			of[key.KID] = append(of[key.KID], key)
		}
	}
	for _, key := range keys {
		same := of[key.KID]
		switch {
		case len(same) == 1:
			single = append(single, key)
		case len(same) > 1:
			refused = append(refused, fmt.Errorf("key %.100q is not taken: there are %d of that kid, and Kong finds one by it; have the issuer name them apart", key.KID, len(same)))
		}
		delete(of, key.KID)
	}
	return single, refused
}
