package configcheck

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
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

const orDevelopment = "take it out; where this is development, say so (--development, or GATEHOUSE_ENV=development)"

// development finds what is for development: entities that are tagged so, and the keys
// that come with Gatehouse.
func (p *pass) development() {
	if p.Development {
		return
	}
	for _, kind := range p.config.Kinds() {
		for _, e := range p.config.All(kind) {
			key := e.Text("key")
			switch {
			case isTagged(e):
				p.found(e, nil, "it is tagged "+developmentTag, orDevelopment)
			case kind == "keyauth_credentials" && strings.HasPrefix(key, developmentPrefix):
				p.found(e, at("key"), developmentKey, orDevelopment)
			case kind == "jwt_secrets" && isDevelopmentKey(e):
				p.found(e, at("rsa_public_key"), developmentKey, orDevelopment)
			}
		}
	}
}

const developmentKey = "a key for development, which anybody has"

func isTagged(e *gateway.Entity) bool {
	return slices.Contains(gateway.Strings(e.Fields["tags"]), developmentTag)
}

func isDevelopmentKey(secret *gateway.Entity) bool {
	key, err := jwtkey.Parse(secret.Text("algorithm"), secret.Text("rsa_public_key"))
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
