package auth

import (
	"net/http"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type keyAuthConfig struct {
	KeyNames        []string `json:"key_names"`
	HideCredentials bool     `json:"hide_credentials"`
	KeyInQuery      bool     `json:"key_in_query"`
	// Anonymous is the consumer that stands in for whoever has no good key.
	Anonymous string `json:"anonymous"`
}

// maxArgs is how many query arguments Kong reads.
const maxArgs = 100

func (c *keyAuthConfig) access(x *exchange.Exchange) error {
	refuse := func(message string) error {
		if c.Anonymous != "" {
			return standIn(x, c.Anonymous)
		}
		x.Fail(http.StatusUnauthorized, message, wwwAuthenticate("Key"))
		return nil
	}
	key, duplicate := c.findKey(x)
	switch {
	case duplicate:
		return refuse("Duplicate API key found")
	case key == "":
		return refuse("No API key found in request")
	}
	found := x.Config.APIKey(key)
	if found == nil {
		return refuse("Unauthorized")
	}
	authenticate(x, found.Consumer, &exchange.Credential{ID: found.ID, Key: found.Key}, found.ID)
	return nil
}

// findKey looks in the places of each name in turn. A key that is found is
// removed from the request if the upstream must not see it.
func (c *keyAuthConfig) findKey(x *exchange.Exchange) (key string, duplicate bool) {
	query := x.Query(maxArgs)
	for _, name := range c.KeyNames {
		value := oneOrMany(x.RequestHeaderValues(name))
		if value == nil && c.KeyInQuery {
			value = query[name]
		}
		switch value := value.(type) {
		case string:
			if c.HideCredentials {
				x.ClearQueryArg(name)
				x.ClearRequestHeader(name)
			}
			return value, false
		case []any:
			return "", true
		}
	}
	return "", false
}

func oneOrMany(vals []string) any {
	switch len(vals) {
	case 0:
		return nil
	case 1:
		return vals[0]
	default:
		return []any{vals[0], vals[1]}
	}
}
