package config

import (
	"strings"

	"github.com/google/uuid"
)

// Kong gives the entities of a declarative configuration stable ids: version 5
// UUIDs of their key, in a namespace for each kind of entity
// (kong/db/schema/others/declarative_config.lua).

var entitiesNamespace = uuid.MustParse("fd02801f-0957-4a15-a55a-c8d9606f30b5")

// entityID is the id of an entity whose key is unique: its name, or for some
// kinds a compound of names and ids.
func entityID(kind, key string) string {
	namespace := uuid.NewSHA1(entitiesNamespace, []byte(kind))
	return uuid.NewSHA1(namespace, []byte(key)).String()
}

// compoundKey is the key of an entity that has a cache key in Kong: plugins,
// targets and acls.
func compoundKey(kind string, parts ...string) string {
	return strings.Join(append([]string{kind, "*"}, parts...), ":")
}

// randomID is for what Kong numbers at random: credentials, and entities
// without a name.
func randomID() string { return uuid.NewString() }

// randomKey is Kong's value for a key or a secret that is not given: 32 letters
// and digits.
func randomKey() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }
