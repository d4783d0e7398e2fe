package auth

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type keyAuthConfig struct {
	KeyNames        []string `json:"key_names"`
	HideCredentials bool     `json:"hide_credentials"`
	KeyInHeader     bool     `json:"key_in_header"`
	KeyInQuery      bool     `json:"key_in_query"`
	KeyInBody       bool     `json:"key_in_body"`
	RunOnPreflight  bool     `json:"run_on_preflight"`
	Realm           string   `json:"realm"`
}

// maxArgs is how many query arguments Kong reads.
const maxArgs = 100

func (c *keyAuthConfig) access(x *exchange.Exchange) error {
	if !c.RunOnPreflight && x.Method == http.MethodOptions {
		return nil
	}
	challenge := "Key"
	if c.Realm != "" {
		challenge = `Key realm="` + c.Realm + `"`
	}
	key, duplicate := c.findKey(x)
	switch {
	case duplicate:
		x.Fail(http.StatusUnauthorized, "Duplicate API key found", wwwAuthenticate(challenge))
		return nil
	case key == "":
		x.Fail(http.StatusUnauthorized, "No API key found in request", wwwAuthenticate(challenge))
		return nil
	}
	found := x.Config.APIKey(key)
	if found == nil {
		x.Fail(http.StatusUnauthorized, "Unauthorized", wwwAuthenticate(challenge))
		return nil
	}
	cred := &exchange.Credential{ID: found.ID, Key: found.Key}
	authenticate(x, found.Consumer, cred, found.ID)
	return nil
}

// findKey looks in the places of each name in turn. A key that is found is
// removed from the request if the upstream must not see it.
func (c *keyAuthConfig) findKey(x *exchange.Exchange) (key string, duplicate bool) {
	query := x.Query(maxArgs)
	body := bodyArgs{x: x}
	for _, name := range c.KeyNames {
		var value any
		if c.KeyInHeader {
			value = oneOrMany(x.RequestHeaderValues(name))
		}
		if value == nil && c.KeyInQuery {
			value = query[name]
		}
		if value == nil && c.KeyInBody {
			value = body.get(name)
		}
		switch value := value.(type) {
		case string:
			c.hide(x, name, &body)
			return value, false
		case []any, map[string]any:
			return "", true
		}
	}
	return "", false
}

func (c *keyAuthConfig) hide(x *exchange.Exchange, name string, body *bodyArgs) {
	if !c.HideCredentials {
		return
	}
	x.ClearQueryArg(name)
	x.ClearRequestHeader(name)
	if c.KeyInBody {
		body.remove(name)
	}
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

// bodyArgs are the arguments of a form or a JSON body. The dev gateway does not
// look into multipart bodies.
type bodyArgs struct {
	x      *exchange.Exchange
	parsed bool
	args   map[string]any
	isJSON bool
}

func (b *bodyArgs) get(name string) any {
	b.parse()
	return b.args[name]
}

func (b *bodyArgs) parse() {
	if b.parsed {
		return
	}
	b.parsed = true
	data, err := b.x.Body.Read()
	if err != nil {
		return
	}
	contentType, _ := b.x.RequestHeader("Content-Type")
	switch contentType = strings.ToLower(contentType); {
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		b.args = exchange.ParseArgs(string(data), maxArgs)
	case strings.HasPrefix(contentType, "application/json"):
		b.isJSON = json.Unmarshal(data, &b.args) == nil
	}
}

// remove writes the body anew without an argument.
func (b *bodyArgs) remove(name string) {
	b.parse()
	if b.args == nil {
		return
	}
	delete(b.args, name)
	if !b.isJSON {
		b.x.Body.Replace([]byte(exchange.EncodeArgs(b.args)))
		return
	}
	if text, err := json.Marshal(b.args); err == nil {
		b.x.Body.Replace(text)
	}
}
