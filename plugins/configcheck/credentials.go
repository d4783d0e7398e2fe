package configcheck

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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

var errReference = errors.New("a vault reference, which Kong does not follow here: it stores it as it is written, " +
	"and who sends that gets in: put the value into an overlay that is not in the repository")

// credentials checks what Kong does not, and names two credentials of one key, of which
// Kong would name the key. It shows no value.
func (r *Report) credentials(document any) {
	root, _ := document.(map[string]any)
	for _, c := range credentials {
		first := map[string]string{}
		everywhere(root, c.kind, func(where string, e map[string]any) {
			for _, field := range c.fields {
				if value, _ := e[field].(string); strings.Contains(value, "{vault://") {
					r.add(Mistake, where, fmt.Errorf("%s: %w", field, errReference))
				}
			}
			key, _ := e[c.key].(string)
			if other, twice := first[key]; twice && key != "" {
				r.add(Refused, where, fmt.Errorf("%s: it is that of %s too: give each a value of its own, or take one out", c.key, other))
			} else {
				first[key] = where
			}
			if c.kind == "jwt_secrets" {
				r.jwtSecret(where, e)
			}
		})
	}
}

// everywhere calls do for the entities of a kind, wherever they are: at the top and in
// others, as tokens may be in credentials that are in consumers.
func everywhere(root map[string]any, kind string, do func(where string, entity map[string]any)) {
	each(root, kind, do)
	for _, holder := range slices.Sorted(maps.Keys(root)) {
		if holder == kind || strings.HasPrefix(holder, "_") { // what Kong leaves out
			continue
		}
		for i, item := range list(root[holder]) {
			outer, _ := item.(map[string]any)
			at := fmt.Sprintf("%s[%d]", holder, i)
			everywhere(outer, kind, func(where string, e map[string]any) { do(at+"."+ofConsumer(where, holder, outer), e) })
		}
	}
}

// ofConsumer adds to a place whose it is.
func ofConsumer(where, holder string, entity map[string]any) string {
	username, _ := entity["username"].(string)
	customID, _ := entity["custom_id"].(string)
	if name := cmp.Or(username, customID); holder == "consumers" && name != "" {
		return where + " of " + name
	}
	return where
}

// jwtSecret checks the key that tokens are verified by: Kong looks at none of ES256, and
// at the strength of none. What Kong refuses itself is left to it.
func (r *Report) jwtSecret(where string, e map[string]any) {
	algorithm, _ := e["algorithm"].(string)
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
	value, isText := e[field].(string)
	if !isText && field == "secret" || strings.Contains(value, "{vault://") {
		return // Kong makes a secret; the reference has been told of
	}
	if err := check(algorithm, value); err != nil {
		r.add(Mistake, where, fmt.Errorf("%s: %w", field, err))
	}
}
