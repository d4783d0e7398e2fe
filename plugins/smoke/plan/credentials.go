package plan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The variables in which an operator has credentials. What follows is the username of the
// consumer whose it is; without it, it is for every consumer that has none of its own.
const (
	TokenVariable = "GATEHOUSE_SMOKE_TOKEN" // a bearer token, for jwt and oauth2
	KeyVariable   = "GATEHOUSE_SMOKE_KEY"   // an API key, for key-auth
	BasicVariable = "GATEHOUSE_SMOKE_BASIC" // user:password, for basic-auth and ldap-auth
)

// Variable is the one that has a consumer's credential: web-app's token is in
// GATEHOUSE_SMOKE_TOKEN_WEB_APP.
func Variable(kind, consumer string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, consumer)
	return kind + "_" + strings.ToUpper(name)
}

// authConfig is what of an auth plugin's config says where its credential goes.
type authConfig struct {
	Anonymous   string   `json:"anonymous"`
	HeaderNames []string `json:"header_names"`  // jwt
	KeyNames    []string `json:"key_names"`     // key-auth
	KeyInHeader *bool    `json:"key_in_header"` // key-auth
	HeaderType  string   `json:"header_type"`   // ldap-auth
}

// auth is how one of Kong's auth plugins is answered. Without a variable this program has
// no credential for it.
type auth struct {
	plugin, variable string
	header           func(authConfig) string
	value            func(authConfig, string) string
}

func authorization(authConfig) string { return "Authorization" }

var auths = []auth{
	{"jwt", TokenVariable, func(c authConfig) string { return first(c.HeaderNames, "Authorization") },
		func(_ authConfig, token string) string { return "Bearer " + token }},
	{"oauth2", TokenVariable, authorization, func(_ authConfig, token string) string { return "Bearer " + token }},
	{"key-auth", KeyVariable, func(c authConfig) string { return first(c.KeyNames, "apikey") },
		func(_ authConfig, key string) string { return key }},
	{"basic-auth", BasicVariable, authorization, func(_ authConfig, pair string) string { return "Basic " + encoded(pair) }},
	{"ldap-auth", BasicVariable, authorization, func(c authConfig, pair string) string {
		return first([]string{c.HeaderType}, "ldap") + " " + encoded(pair)
	}},
	{"hmac-auth", "", authorization, nil},
	{"session", "", func(authConfig) string { return "Cookie" }, nil},
}

func encoded(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }

func first(list []string, otherwise string) string {
	if len(list) > 0 && list[0] != "" {
		return list[0]
	}
	return otherwise
}

// authorize adds the credentials that a route wants. missing says which one there is none
// of, and what to do about it.
func (d *document) authorize(header http.Header, s *service, r *route, getenv func(string) string) (missing string) {
	for _, a := range auths {
		raw, ok := d.on(s, r, a.plugin)
		if !ok {
			continue
		}
		var config authConfig
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &config); err != nil {
				return fmt.Sprintf("config of %s: %v", a.plugin, err)
			}
		}
		name := a.header(config)
		if header.Get(name) != "" {
			continue // the operator has said what to send
		}
		value, wanted := "", "with -header what it wants"
		if a.variable != "" {
			value, wanted = lookUp(a.variable, d.admitted(s, r), getenv)
		}
		inHeader := config.KeyInHeader == nil || *config.KeyInHeader
		switch {
		case value != "" && inHeader:
			header.Set(name, a.value(config, value))
		case config.Anonymous != "":
		case !inHeader:
			return a.plugin + " takes no key in a header (key_in_header): leave the route out with --skip"
		default:
			return fmt.Sprintf("%s lets nobody in without a credential, and there is none: give %s", a.plugin, wanted)
		}
	}
	return ""
}

// lookUp finds a credential of a consumer that a route admits, or says where it looked.
func lookUp(kind string, consumers []string, getenv func(string) string) (value, wanted string) {
	names := make([]string, 0, len(consumers)+1)
	for _, consumer := range consumers {
		names = append(names, Variable(kind, consumer))
	}
	names = append(names, kind)
	for _, name := range names {
		if value := getenv(name); value != "" {
			return value, ""
		}
	}
	const shown = 3
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown-1:shown-1], kind)
	}
	return "", "it in " + strings.Join(names, " or ")
}
