package configcheck

import (
	"errors"
	"fmt"
	"slices"
)

var (
	errQueryKey = errors.New("key_in_query is true, Kong's default: a key in a URL is in the logs and histories of all that it passes: set it to false")
	errURIToken = errors.New("uri_param_names is not [], and Kong's default is [jwt]: a token in a URL is in the logs and histories of all that it passes: set it to []")
	errIssuers  = errors.New("tokens are believed whoever they are for and, where key_claim_name is kid, whoever they say they are from: " +
		"list issuers under identity of tenant-rate-limit (gatehouse: tenant_rate_limit.identity)")
	errOwnLimiter = errors.New("it is run for this consumer in the place of the one that lists issuers, and it lists none: " +
		"the consumer's tokens are believed whoever they are for: list issuers here too")
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
	r.unsaid(s, s.tokenHolders(document))
	for i := range s.plugins {
		r.issuersOfOne(s, &s.plugins[i])
	}
}

// unsaid warns of what believes tokens whoever they are for: a jwt plugin, or the limiter
// of one consumer, which Kong runs in the place of one that lists issuers.
func (r *Report) unsaid(s *scopes, holders []string) {
	warned := map[string]bool{}
	warn := func(where string, err error) {
		if !warned[where] {
			warned[where] = true
			r.add(Warning, where, err)
		}
	}
	for _, route := range s.routes {
		jwt := s.on(route, "", "jwt")
		if jwt == nil {
			continue
		}
		if !s.saysWhose(route, "") {
			warn(jwt.where, errIssuers)
			continue
		}
		for _, consumer := range holders {
			if s.saysWhose(route, consumer) {
				continue
			}
			for _, name := range limiters {
				if own := s.on(route, consumer, name); own != nil && own.consumer != "" {
					warn(own.where, errOwnLimiter)
				}
			}
		}
	}
}

// tokenHolders are the consumers whose keys tokens may be verified by: those that have one,
// and those of whom a list of issuers says so, since keys are in an overlay.
func (s *scopes) tokenHolders(document any) (holders []string) {
	known := map[string]bool{}
	add := func(at string) {
		if at != "" && !known[at] {
			known[at] = true
			holders = append(holders, at)
		}
	}
	root, _ := document.(map[string]any)
	for i, item := range list(root["consumers"]) {
		if consumer, _ := item.(map[string]any); len(list(consumer["jwt_secrets"])) > 0 {
			add(fmt.Sprintf("consumers[%d]", i))
		}
	}
	for _, item := range list(root["jwt_secrets"]) {
		secret, _ := item.(map[string]any)
		add(s.consumers[referred(secret["consumer"])])
	}
	for i := range s.plugins {
		for _, item := range issuersOf(&s.plugins[i]) {
			issuer, _ := item.(map[string]any)
			name, _ := issuer["consumer"].(string)
			add(s.consumers[name])
		}
	}
	return holders
}

// issuersOfOne says where one consumer is in a list by its id and by its username.
func (r *Report) issuersOfOne(s *scopes, p *scoped) {
	first := map[string]string{}
	for i, item := range issuersOf(p) {
		issuer, _ := item.(map[string]any)
		name, _ := issuer["consumer"].(string)
		at := s.consumers[name]
		if before, there := first[at]; there && at != "" && before != name {
			r.add(Mistake, p.where, fmt.Errorf("identity.issuers[%d].consumer: %q and %q are one consumer, %s, and of one that is there twice no token is believed: take one out", i, name, before, at))
			continue
		}
		first[at] = name
	}
}

// limiters are the plugins that compare tokens with a list of issuers.
var limiters = []string{"tenant-rate-limit", "gatehouse"}

// saysWhose reports whether a plugin compares a consumer's tokens with a list of issuers.
func (s *scopes) saysWhose(r route, consumer string) bool {
	return slices.ContainsFunc(limiters, func(name string) bool {
		p := s.on(r, consumer, name)
		return p != nil && len(issuersOf(p)) > 0
	})
}

// issuersOf is the list of a plugin that compares tokens with one, none of others.
func issuersOf(p *scoped) []any {
	limiter := p.config
	switch {
	case p.name == "gatehouse" && slices.Contains(list(p.config["run"]), any("tenant_rate_limit")):
		limiter, _ = p.config["tenant_rate_limit"].(map[string]any)
	case p.name != "tenant-rate-limit":
		return nil
	}
	identity, _ := limiter["identity"].(map[string]any)
	return list(identity["issuers"])
}
