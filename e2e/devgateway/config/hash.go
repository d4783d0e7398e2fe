package config

import (
	"crypto/md5"
	"encoding/hex"
)

// Hash is Kong's configuration_hash of a text: an MD5, on whose strength nothing
// depends.
func Hash(text []byte) string {
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

// Entities is what Kong answers to a new configuration: all entities by kind
// and id.
func (c *Config) Entities() map[string]any {
	kinds := map[string]map[string]any{
		"services": {}, "routes": {}, "upstreams": {}, "targets": {}, "consumers": {}, "plugins": {},
		"jwt_secrets": {}, "keyauth_credentials": {},
	}
	for _, s := range c.Services {
		kinds["services"][s.ID] = s
	}
	for _, r := range c.Routes {
		kinds["routes"][r.ID] = r
	}
	for _, u := range c.Upstreams {
		kinds["upstreams"][u.ID] = u
		for _, t := range u.Targets {
			kinds["targets"][t.ID] = t
		}
	}
	for _, consumer := range c.Consumers {
		kinds["consumers"][consumer.ID] = consumer
	}
	for _, p := range c.Plugins {
		kinds["plugins"][p.ID] = p
	}
	for _, s := range c.jwtSecrets {
		kinds["jwt_secrets"][s.ID] = s
	}
	for _, k := range c.keys {
		kinds["keyauth_credentials"][k.ID] = k
	}
	out := map[string]any{}
	for kind, entities := range kinds {
		if len(entities) > 0 {
			out[kind] = entities
		}
	}
	return out
}
