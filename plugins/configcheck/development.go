package configcheck

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

// developmentTag marks what is for development, and developmentPrefix begins its keys.
const (
	developmentTag    = "development-only"
	developmentPrefix = "dev-only-"
)

// developmentKeys are the SHA-256 hashes, over DER, of public keys whose private halves
// are public: those of Gatehouse's sample issuers.
var developmentKeys = []string{
	"7b9cd91cfc79f9587af3dd3f86de385bb3e46dcdf6b4838ea31725a611be4795",
	"84f58f2381525634f8f11e3c24210a09db67390b820748d867fc9a9271381cd6",
}

var (
	errDevelopmentTag = errors.New("it is tagged " + developmentTag + ": take it out; " + orDevelopment)
	errDevelopmentKey = errors.New("a key for development, which anybody has: take it out; " + orDevelopment)
)

const orDevelopment = "where this is development, say so (-development, or GATEHOUSE_ENV=development)"

// development finds what is for development: entities that are tagged so, and the keys
// that come with Gatehouse.
func (r *Report) development(document any) {
	r.tagged("", document)
	root, _ := document.(map[string]any)
	everywhere(root, "keyauth_credentials", func(where string, e map[string]any) {
		if key, _ := e["key"].(string); strings.HasPrefix(key, developmentPrefix) && !isTagged(e) {
			r.add(Mistake, where, fmt.Errorf("key: %w", errDevelopmentKey))
		}
	})
	everywhere(root, "jwt_secrets", func(where string, e map[string]any) {
		if isDevelopmentKey(e) && !isTagged(e) {
			r.add(Mistake, where, fmt.Errorf("rsa_public_key: %w", errDevelopmentKey))
		}
	})
}

// tagged finds tagged entities, in lists of a mapping. path is where it is.
func (r *Report) tagged(path string, of any) {
	entity, _ := of.(map[string]any)
	for _, kind := range slices.Sorted(maps.Keys(entity)) {
		for i, item := range list(entity[kind]) {
			where := strings.TrimPrefix(fmt.Sprintf("%s.%s[%d]", path, kind, i), ".")
			nested, _ := item.(map[string]any)
			if isTagged(nested) {
				r.add(Mistake, where, errDevelopmentTag)
			}
			r.tagged(where, nested)
		}
	}
}

func isTagged(entity map[string]any) bool {
	return slices.Contains(list(entity["tags"]), any(developmentTag))
}

func isDevelopmentKey(secret map[string]any) bool {
	algorithm, _ := secret["algorithm"].(string)
	text, _ := secret["rsa_public_key"].(string)
	key, err := jwtkey.Parse(algorithm, text)
	if err != nil {
		return false
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(der)
	return slices.Contains(developmentKeys, hex.EncodeToString(sum[:]))
}
