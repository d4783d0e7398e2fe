package configcheck

import (
	"errors"
	"slices"
)

var (
	errQueryKey = errors.New("key_in_query is true, Kong's default: a key in a URL is in the logs and histories of all that it passes: set it to false")
	errURIToken = errors.New("uri_param_names is not [], and Kong's default is [jwt]: a token in a URL is in the logs and histories of all that it passes: set it to []")
	errIssuers  = errors.New("tokens are believed whoever they are for and, where key_claim_name is kid, whoever they say they are from: " +
		"list issuers under identity of tenant-rate-limit (gatehouse: tenant_rate_limit.identity)")
)

// tokens warns of credentials in URLs, and of tokens that are believed whoever they are
// for.
func (r *Report) tokens(document any) {
	s := scopesOf(document)
	for _, p := range s.plugins {
		uriParams, written := p.config["uri_param_names"].([]any)
		switch {
		case p.name == "key-auth" && p.config["key_in_query"] != false:
			r.add(Warning, p.where, errQueryKey)
		case p.name == "jwt" && (!written || len(uriParams) > 0):
			r.add(Warning, p.where, errURIToken)
		}
	}
	warned := map[string]bool{}
	for _, route := range s.routes {
		if jwt := s.on(route, "jwt"); jwt != nil && !warned[jwt.where] && !s.saysWhose(route) {
			warned[jwt.where] = true
			r.add(Warning, jwt.where, errIssuers)
		}
	}
}

// saysWhose reports whether a plugin compares tokens with a list of issuers.
func (s *scopes) saysWhose(r route) bool {
	if apart := s.on(r, "tenant-rate-limit"); apart != nil && hasIssuers(apart.config) {
		return true
	}
	all := s.on(r, "gatehouse")
	if all == nil || !slices.Contains(list(all.config["run"]), any("tenant_rate_limit")) {
		return false
	}
	limiter, _ := all.config["tenant_rate_limit"].(map[string]any)
	return hasIssuers(limiter)
}

func hasIssuers(limiter map[string]any) bool {
	identity, _ := limiter["identity"].(map[string]any)
	return len(list(identity["issuers"])) > 0
}
