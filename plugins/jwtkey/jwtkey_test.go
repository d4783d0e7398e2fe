package jwtkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

func rsaKey(t *testing.T, bits int) *rsa.PublicKey {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537} // its size is what matters here
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

func edKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	key, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func inPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	even := rsaKey(t, 2048)
	even.N.SetBit(even.N, 0, 0)
	small := rsaKey(t, 2048)
	small.E = 3
	off := ecKey(t, elliptic.P256())
	//nolint:staticcheck // a point that is on no curve can be written in no other way
	off.Y = big.NewInt(7)
	for _, tt := range []struct {
		name, algorithm string
		key             crypto.PublicKey
		want            string // empty: good
	}{
		{"RS256", "RS256", rsaKey(t, 2048), ""},
		{"RS512, larger", "RS512", rsaKey(t, 4096), ""},
		{"PS256", "PS256", rsaKey(t, 2048), ""},
		{"ES256", "ES256", ecKey(t, elliptic.P256()), ""},
		{"ES384", "ES384", ecKey(t, elliptic.P384()), ""},
		{"ES512", "ES512", ecKey(t, elliptic.P521()), ""},
		{"EdDSA", "EdDSA", edKey(t), ""},
		{"a short RSA key", "RS256", rsaKey(t, 2047), "an RSA key of 2047 bits, which can be broken: use one of 2048 or more"},
		{"a huge one", "RS256", rsaKey(t, 16385), "an RSA key of 16385 bits, which Kong cannot use"},
		{"a larger one for PS256", "PS256", rsaKey(t, 3072), "an RSA key of 3072 bits: Kong 3.9 verifies PS256 with keys of 2048 bits only"},
		{"an even modulus", "RS256", even, "can be forged"},
		{"a small exponent", "RS256", small, "an RSA key that no key generator makes (exponent 3)"},
		{"another curve", "ES256", ecKey(t, elliptic.P384()), "an EC key on P-384: ES256 takes one on P-256"},
		{"on no curve", "ES256", off, "an EC key that is no point of its curve"},
		{"EC for RSA", "RS256", ecKey(t, elliptic.P256()), "an EC key: RS256 takes an RSA key"},
		{"EC for PSS", "PS256", ecKey(t, elliptic.P256()), "an EC key: PS256 takes an RSA key"},
		{"RSA for EC", "ES256", rsaKey(t, 2048), "an RSA key: ES256 takes an EC key"},
		{"RSA for EdDSA", "EdDSA", rsaKey(t, 2048), "an RSA key: EdDSA takes an Ed25519 key"},
		{"Ed25519 for EC", "ES384", edKey(t), "an Ed25519 key: ES384 takes an EC key"},
		{"nothing", "ES384", nil, "a key of another kind (<nil>): ES384 takes an EC key"},
		{"a shared secret's algorithm", "HS256", edKey(t), `algorithm "HS256" has no public key`},
		{"none", "none", edKey(t), `algorithm "none" has no public key`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, jwtkey.Check(tt.algorithm, tt.key), tt.want)
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	good := inPEM(t, ecKey(t, elliptic.P256()))
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	for _, tt := range []struct{ name, algorithm, text, want string }{
		{"a key", "ES256", good, ""},
		{"with a comment", "ES256", "# of 2026\n" + good + "\n", ""},
		{"PKCS #1", "RS256", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey(t, 2048))), ""},
		{"nothing", "ES256", "", "no key in PEM"},
		{"garbage", "ES256", "garbage", "no key in PEM"},
		{"a vault's reference", "ES256", "{vault://env/key}", "no key in PEM"},
		{"cut off", "ES256", block("PUBLIC KEY", der[:20]), "no public key: "},
		{"a private key", "ES256", block("PRIVATE KEY", der), "a private key"},
		{"a certificate", "ES256", block("CERTIFICATE", der), "a CERTIFICATE and no public key"},
		{"two keys", "ES256", good + good, "more than one key"},
		{"a weak one", "RS256", inPEM(t, rsaKey(t, 1024)), "an RSA key of 1024 bits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, err := jwtkey.Parse(tt.algorithm, tt.text)
			wantError(t, err, tt.want)
			if tt.want == "" && key == nil {
				t.Error("no key")
			}
		})
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, algorithm, secret, want string }{
		{"of the least size", "HS256", strings.Repeat("k", 32), ""},
		{"shorter", "HS512", strings.Repeat("k", 63), "a secret of 63 bytes, which can be guessed: HS512 takes 64 or more (openssl rand -base64 64)"},
		{"a public key's algorithm", "RS256", strings.Repeat("k", 64), `algorithm "RS256" has no shared secret`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, jwtkey.CheckSecret(tt.algorithm, tt.secret), tt.want)
		})
	}
}

// FuzzParse: a key that is taken is one that Check takes, and no text brings it down.
func FuzzParse(f *testing.F) {
	f.Add("ES256", "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n")
	f.Add("RS256", "-----BEGIN RSA PUBLIC KEY-----\n\n-----END RSA PUBLIC KEY-----\n")
	f.Fuzz(func(t *testing.T, algorithm, text string) {
		if key, err := jwtkey.Parse(algorithm, text); err == nil && jwtkey.Check(algorithm, key) != nil {
			t.Errorf("%s is taken from %q, and not by itself", algorithm, text)
		}
	})
}
