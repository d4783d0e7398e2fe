package jwtkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

// prime is one of 1024 bits.
func prime(t *testing.T) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rsaOf(n *big.Int) *rsa.PublicKey { return &rsa.PublicKey{N: n, E: 65537} }

// product is a key whose modulus is the product of the factors.
func product(factors ...*big.Int) *rsa.PublicKey {
	n := big.NewInt(1)
	for _, f := range factors {
		n.Mul(n, f)
	}
	return rsaOf(n)
}

func rsaKey(t *testing.T) *rsa.PublicKey { t.Helper(); return product(prime(t), prime(t)) }

// ofBits is a key whose size is what matters.
func ofBits(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return rsaOf(n.SetBit(n, 0, 1))
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
	even := ofBits(2048)
	even.N.SetBit(even.N, 0, 0)
	small := rsaKey(t)
	small.E = 3
	off := ecKey(t, elliptic.P256())
	//nolint:staticcheck // a point that is on no curve can be written in no other way
	off.Y = big.NewInt(7)
	for _, tt := range []struct {
		name, algorithm string
		key             crypto.PublicKey
		want            string // empty: good
	}{
		{"RS256", "RS256", rsaKey(t), ""},
		{"RS512, larger", "RS512", product(prime(t), prime(t), prime(t), prime(t)), ""},
		{"PS256", "PS256", rsaKey(t), ""},
		{"ES256", "ES256", ecKey(t, elliptic.P256()), ""},
		{"ES384", "ES384", ecKey(t, elliptic.P384()), ""},
		{"ES512", "ES512", ecKey(t, elliptic.P521()), ""},
		{"EdDSA", "EdDSA", edKey(t), ""},
		{"a short RSA key", "RS256", ofBits(2047), "an RSA key of 2047 bits, which can be broken: use one of 2048 or more"},
		{"a huge one", "RS256", ofBits(16385), "an RSA key of 16385 bits, which Kong cannot use"},
		{"a larger one for PS256", "PS256", product(prime(t), rsaKey(t).N), "bits: Kong 3.9 verifies PS256 with keys of 2048 bits only"},
		{"an even modulus", "RS256", even, "can be forged"},
		{"a small exponent", "RS256", small, "an RSA key that no key generator makes (exponent 3)"},
		{"another curve", "ES256", ecKey(t, elliptic.P384()), "an EC key on P-384: ES256 takes one on P-256"},
		{"on no curve", "ES256", off, "an EC key that is no point of its curve"},
		{"EC for RSA", "RS256", ecKey(t, elliptic.P256()), "an EC key: RS256 takes an RSA key"},
		{"EC for PSS", "PS256", ecKey(t, elliptic.P256()), "an EC key: PS256 takes an RSA key"},
		{"RSA for EC", "ES256", rsaKey(t), "an RSA key: ES256 takes an EC key"},
		{"RSA for EdDSA", "EdDSA", rsaKey(t), "an RSA key: EdDSA takes an Ed25519 key"},
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

// Moduli that anybody can factor.
func TestCheckFactors(t *testing.T) {
	t.Parallel()
	good, p := rsaKey(t).N, prime(t)
	mersenne := new(big.Int).Lsh(big.NewInt(1), 2203)
	ones := new(big.Int).Lsh(big.NewInt(1), 2048)
	for name, tt := range map[string]struct {
		key  *rsa.PublicKey
		want string
	}{
		"three times a good one":    {product(good, big.NewInt(3)), "a multiple of 3:"},
		"a larger prime times":      {product(good, big.NewInt(65521)), "a multiple of 65521:"},
		"nothing but ones":          {rsaOf(ones.Sub(ones, big.NewInt(1))), "a multiple of 3:"},
		"a prime":                   {rsaOf(mersenne.Sub(mersenne, big.NewInt(1))), "whose modulus is a prime:"},
		"a square":                  {product(p, p), "whose modulus is a square:"},
		"a prime past those tried":  {product(good, big.NewInt(65537)), ""},
		"what a generator may make": {rsaOf(good), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, jwtkey.Check("RS256", tt.key), tt.want)
		})
	}
}

// Every encoding of a point of small order (https://eprint.iacr.org/2020/1244, table 6),
// with some that are of no point.
func TestCheckEd25519(t *testing.T) {
	t.Parallel()
	const small, none = "of small order: signatures by it can be forged", "that is no point of its curve"
	for text, want := range map[string]string{
		"0100000000000000000000000000000000000000000000000000000000000000": small,
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": small,
		"0000000000000000000000000000000000000000000000000000000000000000": small,
		"0000000000000000000000000000000000000000000000000000000000000080": small,
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a": small,
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa": small,
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05": small,
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85": small,
		"0100000000000000000000000000000000000000000000000000000000000080": none,
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": none,
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": none,
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": none,
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": none,
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": none,
		"0200000000000000000000000000000000000000000000000000000000000000": none,
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": none,
		"00": none,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a": "", // RFC 8032, 7.1
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			wantError(t, jwtkey.Check("EdDSA", ed25519.PublicKey(key)), want)
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
		{"PKCS #1", "RS256", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey(t))), ""},
		{"nothing", "ES256", "", "no key in PEM"},
		{"garbage", "ES256", "garbage", "no key in PEM"},
		{"a vault's reference", "ES256", "{vault://env/key}", "no key in PEM"},
		{"cut off", "ES256", block("PUBLIC KEY", der[:20]), "no public key: "},
		{"a private key", "ES256", block("PRIVATE KEY", der), "a private key"},
		{"a certificate", "ES256", block("CERTIFICATE", der), "a CERTIFICATE and no public key"},
		{"two keys", "ES256", good + good, "more than one key"},
		{"a weak one", "RS256", inPEM(t, ofBits(1024)), "an RSA key of 1024 bits"},
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
