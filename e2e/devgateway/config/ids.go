package config

import (
	"strings"

	"github.com/google/uuid"
)

// Kong gives the entities of a declarative configuration stable ids: version 5
// UUIDs of their key, in a namespace for each kind of entity
// (kong/db/schema/others/declarative_config.lua).

var entitiesNamespace = uuid.MustParse("fd02801f-0957-4a15-a55a-c8d9606f30b5")

// entityID is the id of an entity whose key is unique.
func entityID(kind, key string) string {
	namespace := uuid.NewSHA1(entitiesNamespace, []byte(kind))
	return uuid.NewSHA1(namespace, []byte(key)).String()
}

// namedID is the id of an entity whose name is its key; without a name it is a
// random one.
func namedID(kind, name string) string {
	if name == "" {
		return randomID()
	}
	return entityID(kind, name)
}

// compoundKey is the key of an entity that has a cache key in Kong, as plugins
// have.
func compoundKey(kind string, parts ...string) string {
	return strings.Join(append([]string{kind, "*"}, parts...), ":")
}

// randomID is for what Kong numbers at random: credentials, and entities
// without a name.
func randomID() string { return uuid.NewString() }
