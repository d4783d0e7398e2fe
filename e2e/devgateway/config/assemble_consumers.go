package config

// consumer adds a consumer with its credentials and groups.
func (a *assembler) consumer(it item) {
	c := decode(a, it, "consumers", namedID("consumers", it.raw, "username"), func(c *Consumer) *Meta { return &c.Meta })
	a.unique(it, "consumers", "username", c.Username)
	a.unique(it, "consumers", "custom_id", c.CustomID)
	it.raw["id"] = c.ID
	a.config.Consumers = append(a.config.Consumers, c)
	for _, cred := range items(it.raw, "jwt_secrets", it.at) {
		a.jwtSecret(cred, c)
	}
	for _, cred := range items(it.raw, "keyauth_credentials", it.at) {
		a.apiKey(cred, c)
	}
	for _, acl := range items(it.raw, "acls", it.at) {
		group, _ := acl.raw["group"].(string)
		id := entityID("acls", compoundKey("acls", c.ID, group))
		decode(a, acl, "acls", id, func(m *Meta) *Meta { return m })
		c.Groups = append(c.Groups, group)
	}
}

func (a *assembler) jwtSecret(it item, c *Consumer) {
	s := decode(a, it, "jwt_secrets", randomID(), func(s *JWTSecret) *Meta { return &s.Meta })
	if s.Key == "" {
		s.Key = randomKey()
	}
	if s.Secret == "" {
		s.Secret = randomKey()
	}
	a.unique(it, "jwt_secrets", "key", s.Key)
	s.Consumer = c
	a.config.jwtSecrets[s.Key] = s
}

func (a *assembler) apiKey(it item, c *Consumer) {
	k := decode(a, it, "keyauth_credentials", randomID(), func(k *KeyAuth) *Meta { return &k.Meta })
	if k.Key == "" {
		k.Key = randomKey()
	}
	a.unique(it, "keyauth_credentials", "key", k.Key)
	k.Consumer = c
	a.config.keys[k.Key] = k
}
