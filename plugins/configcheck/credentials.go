package configcheck

import (
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/jwtkey"
)

// credentials are the kinds of what consumers prove themselves by, of all plugins that come
// with Kong 3.9.1 (kong/plugins/*/daos.lua): the field that tells two apart, and those that
// Kong takes as they are written.
var credentials = []struct {
	kind, key string
	fields    []string
}{
	{"keyauth_credentials", "key", []string{"key"}},
	{"jwt_secrets", "key", []string{"key", "secret", "rsa_public_key"}},
	{"basicauth_credentials", "username", []string{"username", "password"}},
	{"hmacauth_credentials", "username", []string{"username", "secret"}},
	{"oauth2_credentials", "client_id", []string{"client_id", "client_secret"}},
	{"oauth2_authorization_codes", "code", []string{"code"}},
	{"oauth2_tokens", "access_token", []string{"access_token"}},
	{"oauth2_tokens", "refresh_token", []string{"refresh_token"}},
	{"sessions", "session_id", []string{"session_id", "data"}},
}

// stored says what a text is that stands for a credential, and that Kong takes for one; it is
// empty for others.
func stored(text string) string {
	switch {
	case strings.Contains(text, "{vault://"):
		return "a vault reference"
	case strings.Contains(text, "${{"):
		return "a variable of decK's"
	default:
		return ""
	}
}

func (p *pass) credentialReferences() {
	for _, c := range credentials {
		for _, e := range p.config.All(c.kind) {
			for _, field := range c.fields {
				if what := stored(e.Text(field)); what != "" {
					p.found(e, at(field), what+", which Kong does not follow here: it stores it as it is written, and who sends that gets in",
						"put the value into an overlay that is not in the repository")
				}
			}
		}
	}
}

// credentialsTwice finds two credentials of one key, of which Kong would name the key.
func (p *pass) credentialsTwice() {
	for _, c := range credentials {
		first := map[string]*gateway.Entity{}
		for _, e := range p.config.All(c.kind) {
			key := e.Text(c.key)
			if other := first[key]; other != nil && key != "" {
				p.found(e, at(c.key), fmt.Sprintf("it is that of %s too", strings.TrimSuffix(fmt.Sprintf("%s (%s)", other.Path, named(other)), " ()")), "give each a value of its own, or take one out")
				continue
			}
			first[key] = e
		}
	}
}

// tokenKeys checks the keys that tokens are verified by: Kong looks at none of ES256, and
// at the strength of none. What Kong refuses itself is left to it.
func (p *pass) tokenKeys() {
	for _, e := range p.config.All("jwt_secrets") {
		algorithm := e.Text("algorithm")
		if algorithm == "" {
			algorithm = "HS256" // Kong's default
		}
		field, check := "rsa_public_key", func(algorithm, text string) error {
			_, err := jwtkey.Parse(algorithm, text)
			return err
		}
		if strings.HasPrefix(algorithm, "HS") {
			field, check = "secret", jwtkey.CheckSecret
		}
		value, isText := e.Fields[field].(string)
		if !isText && field == "secret" || stored(value) != "" {
			continue // Kong makes a secret; the reference has been told of
		}
		if err := check(algorithm, value); err != nil {
			p.found(e, at(field), err.Error(), "")
		}
	}
}
