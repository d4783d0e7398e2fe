// Package jwtkey says whether a public key can verify the tokens of an algorithm in
// Kong's jwt plugin, and whether it is strong enough that nobody else signs them. Kong
// itself looks at no key of ES256, ES384 and ES512: with one of garbage it answers 500.
package jwtkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"filippo.io/edwards25519"
)

// The sizes of RSA keys, in bits: the least of RFC 7518, 3.3, and the most of OpenSSL.
const (
	MinRSABits = 2048
	MaxRSABits = 16384
)

// minExponent is the least public exponent of FIPS 186-5, 5.1.
const minExponent = 65537

// pssBits is the size of the keys of PS256, PS384 and PS512: Kong 3.9 takes signatures of
// 256 bytes only, and answers 500 to others.
const pssBits = 2048

var curves = map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// Parse reads a public key in PEM, as `rsa_public_key` of Kong's jwt_secrets has it
// whatever the algorithm is. Its error says why Kong could not use the key for the
// algorithm, or why nobody should.
func Parse(algorithm, text string) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("no key in PEM: write one that begins with -----BEGIN PUBLIC KEY-----")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("a private key: put its public half there (openssl pkey -pubout), and make a new pair, since this one has been seen")
	case strings.TrimSpace(string(rest)) != "":
		return nil, errors.New("more than one key: write each in a credential of its own")
	}
	key, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	if err := Check(algorithm, key); err != nil {
		return nil, err
	}
	return key, nil
}

func parseBlock(block *pem.Block) (key crypto.PublicKey, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("a %s and no public key: write the key alone (openssl x509 -pubkey -noout takes it from a certificate)", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("no public key: %w", err)
	}
	return key, nil
}

// Check says why a key is not one for an algorithm of jwt_secrets, or too weak.
func Check(algorithm string, key crypto.PublicKey) error {
	switch algorithm {
	case "RS256", "RS384", "RS512":
		return checkRSA(algorithm, key)
	case "PS256", "PS384", "PS512":
		if err := checkRSA(algorithm, key); err != nil {
			return err
		}
		if bits := key.(*rsa.PublicKey).N.BitLen(); bits != pssBits {
			return fmt.Errorf("an RSA key of %d bits: Kong 3.9 verifies %s with keys of %d bits only, and answers 500 to others", bits, algorithm, pssBits)
		}
		return nil
	case "ES256", "ES384", "ES512":
		return checkEC(algorithm, key)
	case "EdDSA":
		return checkEd25519(key)
	default:
		return fmt.Errorf("algorithm %q has no public key: write RS256, ES256, EdDSA or another that has one", algorithm)
	}
}

func checkRSA(algorithm string, key crypto.PublicKey) error {
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("%s: %s takes an RSA key", kind(key), algorithm)
	}
	bits := k.N.BitLen()
	switch {
	case bits < MinRSABits:
		return fmt.Errorf("an RSA key of %d bits, which can be broken: use one of %d or more", bits, MinRSABits)
	case bits > MaxRSABits:
		return fmt.Errorf("an RSA key of %d bits, which Kong cannot use: use one of up to %d", bits, MaxRSABits)
	case k.E < minExponent || k.E%2 == 0 || k.N.Bit(0) == 0:
		return fmt.Errorf("an RSA key that no key generator makes (exponent %d): signatures by it can be forged, make a new one with exponent %d", k.E, minExponent)
	}
	if factors := knownFactors(k.N); factors != "" {
		return fmt.Errorf("an RSA key whose modulus is %s: signatures by it can be forged, make a new one", factors)
	}
	return nil
}

func checkEC(algorithm string, key crypto.PublicKey) error {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("%s: %s takes an EC key", kind(key), algorithm)
	}
	if want := curves[algorithm]; k.Curve != want {
		return fmt.Errorf("an EC key on %s: %s takes one on %s", k.Curve.Params().Name, algorithm, want.Params().Name)
	}
	if _, err := k.ECDH(); err != nil {
		return errors.New("an EC key that is no point of its curve: make a new one")
	}
	return nil
}

// checkEd25519 takes the one encoding of a point (RFC 8032, 5.1.3) of a large order. With
// one of a small order, a signature that anybody can write is good for many messages.
func checkEd25519(key crypto.PublicKey) error {
	k, ok := key.(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("%s: EdDSA takes an Ed25519 key", kind(key))
	}
	point, err := new(edwards25519.Point).SetBytes(k)
	switch {
	case err != nil || !bytes.Equal(point.Bytes(), k):
		return errors.New("an Ed25519 key that is no point of its curve: make a new one")
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return errors.New("an Ed25519 key of small order: signatures by it can be forged, make a new one")
	}
	return nil
}

func kind(key crypto.PublicKey) string {
	switch key.(type) {
	case *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "an EC key"
	case ed25519.PublicKey:
		return "an Ed25519 key"
	default:
		return fmt.Sprintf("a key of another kind (%T)", key)
	}
}

// secretBytes is the size of an HMAC's output, which RFC 7518, 3.2 has as the least of
// its key.
var secretBytes = map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}

// CheckSecret says why a shared secret is too weak for an algorithm: who has one token
// can try secrets at home.
func CheckSecret(algorithm, secret string) error {
	least, ok := secretBytes[algorithm]
	if !ok {
		return fmt.Errorf("algorithm %q has no shared secret: write HS256, HS384 or HS512", algorithm)
	}
	if len(secret) < least {
		return fmt.Errorf("a secret of %d bytes, which can be guessed: %s takes %d or more (openssl rand -base64 %[3]d)", len(secret), algorithm, least)
	}
	return nil
}
