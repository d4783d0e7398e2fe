package usage

import "strings"

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
			return of.word + name
		}
	}
	return key
}
