package configdiff

import (
	"crypto/sha1"
	"encoding/hex"
)

// hashLike hashes the passwords of one document where those of the other are hashed. Kong
// hashes those of basic-auth as it loads them, with the consumer's id
// (kong/plugins/basic-auth/crypto.lua), and says so with _transform: false.
func hashLike(a, b *document) {
	if a.hashed == b.hashed {
		return
	}
	hashed, plain := a, b
	if b.hashed {
		hashed, plain = b, a
	}
	for key, of := range hashed.entities {
		other := plain.entities[key]
		if of.kind != "basicauth_credentials" || other == nil {
			continue
		}
		password, _ := other.fields["password"].(string)
		sum := sha1.Sum([]byte(password + of.consumer)) //nolint:gosec // it is Kong's
		other.fields["password"] = hex.EncodeToString(sum[:])
	}
}
