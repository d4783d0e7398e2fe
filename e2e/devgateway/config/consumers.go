package config

import (
	"cmp"
	"crypto"

	"github.com/golang-jwt/jwt/v5"
)

// consumer adds a consumer with its credentials and groups.
func (a *assembler) consumer(e entry) {
	c := &Consumer{}
	a.decode(e, c)
	a.meta(&c.Meta, namedID("consumers", c.Username))
	a.unique(e, "consumers", "username", c.Username)
	a.unique(e, "consumers", "custom_id", c.CustomID)
	a.show("consumers", c.ID, e)
	a.config.consumers[c.ID], a.config.consumers[c.Username] = c, c
	for _, secret := range e.nested("jwt_secrets") {
		a.jwtSecret(secret, c)
	}
	for _, key := range e.nested("keyauth_credentials") {
		a.apiKey(key, c)
	}
	for _, acl := range e.nested("acls") {
		id := entityID("acls", compoundKey("acls", c.ID, acl.text("group")))
		a.unique(acl, "acls", "primary key", id)
		a.show("acls", id, acl, "consumer", c.ID)
		c.Groups = append(c.Groups, acl.text("group"))
	}
}

func (a *assembler) jwtSecret(e entry, c *Consumer) {
	s := &JWTSecret{Consumer: c}
	a.decode(e, s)
	a.credentialMeta(e, "jwt_secrets", &s.Meta)
	a.show("jwt_secrets", s.ID, e, "consumer", c.ID)
	a.unique(e, "jwt_secrets", "key", s.Key)
	var err error
	if s.PublicKey, err = parseKey(s.Algorithm, s.RSAPublicKey); err != nil {
		a.fail(e.at.At("rsa_public_key"), "invalid key for "+s.Algorithm)
	}
	a.config.jwtSecrets[s.Key] = s
}

func parseKey(algorithm, pem string) (crypto.PublicKey, error) {
	if algorithm == jwt.SigningMethodES256.Name {
		return jwt.ParseECPublicKeyFromPEM([]byte(pem))
	}
	return jwt.ParseRSAPublicKeyFromPEM([]byte(pem))
}

func (a *assembler) apiKey(e entry, c *Consumer) {
	k := &KeyAuth{Consumer: c}
	a.decode(e, k)
	a.credentialMeta(e, "keyauth_credentials", &k.Meta)
	a.show("keyauth_credentials", k.ID, e, "consumer", c.ID)
	a.unique(e, "keyauth_credentials", "key", k.Key)
	a.config.keys[k.Key] = k
}

// credentialMeta numbers a credential that does not say what its id is.
func (a *assembler) credentialMeta(e entry, kind string, m *Meta) {
	a.unique(e, kind, "primary key", m.ID)
	a.meta(m, cmp.Or(m.ID, randomID()))
}
