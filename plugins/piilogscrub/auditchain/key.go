package auditchain

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// Key signs checkpoints.
type Key struct {
	private ed25519.PrivateKey
	id      string
}

// maxKeyBytes bounds what is read of a file of keys: one has some hundred bytes.
const maxKeyBytes = 1 << 16

// ReadKey reads a private key of Ed25519 in PEM (PKCS #8), as
// `openssl genpkey -algorithm ed25519` writes it. The file must not be open to everybody.
// Its errors name the file and say what to do.
func ReadKey(path string) (*Key, error) {
	text, mode, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: make it with: openssl genpkey -algorithm ed25519 -out %[1]s && chmod 400 %[1]s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: let the user that gatehouse runs as read it", err)
	}
	if mode.Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%s is open to everybody (mode %04o): chmod 400 %[1]s, or 440 for a group", path, mode.Perm())
	}
	return parseKey(path, text)
}

func parseKey(path string, text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%s is no PEM: make a key with: openssl genpkey -algorithm ed25519", path)
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, fmt.Errorf("%s is encrypted: write it without a passphrase with: openssl pkey -in %[1]s -out FILE", path)
	case block.Type != "PRIVATE KEY":
		return nil, fmt.Errorf("%s holds a %s: it takes a PRIVATE KEY, of openssl genpkey -algorithm ed25519", path, block.Type)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: make a key with: openssl genpkey -algorithm ed25519", path, err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is none of Ed25519: make one with: openssl genpkey -algorithm ed25519", path)
	}
	id, err := keyID(private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Key{private: private, id: id}, nil
}

// PublicKeys are what checkpoints are verified with, by their id.
type PublicKeys map[string]ed25519.PublicKey

// ReadPublicKeys reads the public keys of Ed25519 in a PEM file, as
// `openssl pkey -pubout` writes them: one, or several where the key was replaced.
func ReadPublicKeys(path string) (PublicKeys, error) {
	text, _, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	keys := PublicKeys{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s holds a %s that is no public key of Ed25519: write it with: openssl pkey -in KEY -pubout", path, block.Type)
		}
		id, err := keyID(public)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		keys[id] = public
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no public key: write it with: openssl pkey -in KEY -pubout", path)
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, fs.FileMode, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyBytes))
	return text, info.Mode(), err
}

// keyID is the first 16 hexadecimal digits of the SHA-256 of a public key in DER.
func keyID(key ed25519.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8]), nil
}
