package usage

import (
	"net/url"
	"strings"
)

// What keys begin with, as the limiter writes them.
const (
	tenantPrefix     = "t."
	routePrefix      = "r."
	userPrefix       = "u."
	issuerPrefix     = "j."
	consumerPrefix   = "c."
	credentialPrefix = "k."
	addressPrefix    = "i."
)

// hashMark stands in place of the dot before the hash of a name that is unfit for a key.
const hashMark = "#"

// Words are what people call whose usage a key of [Advice] is about: its group, or who had
// the peak.
func Words(key string) string {
	switch key {
	case "", groupEverybody:
		return "all"
	case Anonymous:
		return "(who shows no credential)"
	}
	for _, of := range []struct{ prefix, word string }{
		{tenantPrefix, ""}, {routePrefix, ""}, {userPrefix, ""},
		{issuerPrefix, "issuer "}, {consumerPrefix, "consumer "}, {credentialPrefix, "credential "}, {addressPrefix, "address "},
	} {
		if name, ok := strings.CutPrefix(key, of.prefix); ok {
			return of.word + plain(name)
		}
		if hash, ok := strings.CutPrefix(key, of.prefix[:1]+hashMark); ok {
			return of.word + hashMark + hash
		}
	}
	return key
}

// plain is a name as it was before it was written in a key.
func plain(name string) string {
	text, err := url.PathUnescape(name)
	if err != nil {
		return name
	}
	return text
}
