package configcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// authenticating are plugins that ask who somebody is: Kong's, and Enterprise's. session is
// none: it lets in who has no session.
var authenticating = []string{
	"basic-auth", "hmac-auth", "jwt", "key-auth", "ldap-auth", "oauth2",
	"header-cert-auth", "jwt-signer", "key-auth-enc", "ldap-auth-advanced", "mtls-auth", "oauth2-introspection", "opa", "openid-connect", "saml", "vault-auth",
}

// authWord is in the names of other people's plugins that do.
var authWord = regexp.MustCompile(`(^|[-_])(auth|authn|authz|oauth2?|oidc|openid|jwt|saml|opa|keycloak|introspection|mtls|hmac|apikey)([-_]|$)`)

func authenticates(name string) bool {
	return slices.Contains(authenticating, name) || authWord.MatchString(name)
}

// probe is a path that is for machines which are nobody.
var probe = regexp.MustCompile(`^/(.*/)?(healthz?|livez?|liveness|readyz?|readiness|ping|\.well-known(/.*)?|robots\.txt|favicon\.ico)$`)

// public reports whether a route needs to ask nobody: it is no HTTP, answers itself, takes
// preflights only, or is for probes.
func (p *pass) public(r gateway.Route) bool {
	if protocols := gateway.Strings(r.Fields["protocols"]); len(protocols) > 0 && !slices.ContainsFunc(protocols, isHTTP) {
		return true
	}
	if r.Service != nil && r.Service.Fields["enabled"] == false {
		return true
	}
	if methods := gateway.Strings(r.Fields["methods"]); len(methods) > 0 && !slices.ContainsFunc(methods, func(m string) bool { return m != "OPTIONS" }) {
		return true
	}
	if paths := gateway.Strings(r.Fields["paths"]); len(paths) > 0 && !slices.ContainsFunc(paths, func(path string) bool { return !probe.MatchString(exact(path)) }) {
		return true
	}
	return p.answers(r, nil)
}

// answers reports whether a plugin answers in the place of the service. With a trigger
// request-termination does so only to who sends it.
func (p *pass) answers(r gateway.Route, consumer *gateway.Entity) bool {
	termination := p.config.On(r, consumer, "request-termination")
	return termination != nil && termination.Config()["trigger"] == nil || p.config.On(r, consumer, "redirect") != nil
}

func isHTTP(protocol string) bool {
	return slices.Contains([]string{"http", "https", "grpc", "grpcs", "ws", "wss"}, protocol)
}

// exact is a path without what marks a regular expression of one.
func exact(path string) string {
	return strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(path, "~"), "^"), "$/")
}

// guards are the plugins by which a route asks who somebody is, or where from.
func (p *pass) guards(r gateway.Route) (guards []*gateway.Plugin) {
	for _, name := range p.config.Names() {
		on := p.config.On(r, nil, name)
		if on != nil && (authenticates(name) || name == "ip-restriction" && allowsSome(on.Config())) {
			guards = append(guards, on)
		}
	}
	return guards
}

// allowsSome reports whether an ip-restriction lets in some addresses, and not all of a family.
func allowsSome(config map[string]any) bool {
	allow := gateway.Strings(config["allow"])
	return len(allow) > 0 && !slices.ContainsFunc(allow, func(network string) bool { return strings.HasSuffix(network, "/0") })
}

func (p *pass) routesWithoutAuth() {
	for _, r := range p.config.Routes {
		if !p.public(r) && len(p.guards(r)) == 0 {
			p.found(r.Entity, nil, "no plugin asks who somebody is: anybody gets in",
				"add jwt, key-auth or another auth plugin to the route or its service; if it is public, say why: "+waiverFor("route-without-auth"))
		}
	}
}

// waiverFor is how a finding is waived.
func waiverFor(rule string) string { return `_ignore: ["` + rule + `: REASON"]` }

// anonymous finds auth plugins that let in who shows nothing, where nothing behind them asks.
func (p *pass) anonymous() {
	seen := map[*gateway.Plugin]bool{}
	for _, r := range p.config.Routes {
		guards := p.guards(r)
		if p.public(r) || len(guards) == 0 || p.config.On(r, nil, "acl") != nil {
			continue
		}
		if slices.ContainsFunc(guards, func(g *gateway.Plugin) bool { return !p.letsInAnybody(r, g) }) {
			continue
		}
		for _, g := range guards {
			if !seen[g] {
				seen[g] = true
				p.found(g.Entity, at("config", "anonymous"), fmt.Sprintf("who shows no credential gets in as %q", g.Config()["anonymous"]),
					"take anonymous out, or add acl, or request-termination for that consumer")
			}
		}
	}
}

// letsInAnybody reports whether a guard takes who shows nothing for a consumer who is not
// turned away.
func (p *pass) letsInAnybody(r gateway.Route, guard *gateway.Plugin) bool {
	anonymous, _ := guard.Config()["anonymous"].(string)
	if anonymous == "" {
		return false
	}
	consumer := p.config.Find("consumers", anonymous)
	return consumer == nil || !p.answers(r, consumer)
}

// limitsWithoutUser finds routes that know who is asking, and have limits of which none is for
// one of them: one client can use up all.
func (p *pass) limitsWithoutUser() {
	seen := map[*gateway.Plugin]bool{}
	for _, r := range p.config.Routes {
		if !slices.ContainsFunc(p.guards(r), func(g *gateway.Plugin) bool { return authenticates(g.Name()) }) || p.limitsUsers(r) {
			continue
		}
		for _, name := range []string{"rate-limiting", "response-ratelimiting"} {
			limiter := p.config.On(r, nil, name)
			if limiter == nil || seen[limiter] {
				continue
			}
			seen[limiter] = true
			by, _ := limiter.Config()["limit_by"].(string)
			p.found(limiter.Entity, at("config", "limit_by"), by+": no limit is for one user, so that one can use up what is for all",
				"write limit_by: consumer, or add tenant-rate-limit, which has a limit for each user always")
		}
	}
}

// limitsUsers reports whether a plugin on a route counts by who is asking. tenant-rate-limit
// always does (default_user_limit). An address is a user's, as far as that goes.
func (p *pass) limitsUsers(r gateway.Route) bool {
	if p.limiterOn(r, nil) != nil {
		return true
	}
	for _, name := range []string{"rate-limiting", "response-ratelimiting"} {
		limiter := p.config.On(r, nil, name)
		if limiter == nil {
			continue
		}
		switch limiter.Config()["limit_by"] {
		case "service", "path", "header":
		default:
			return true
		}
	}
	return false
}

// limiterOn is the plugin that runs tenant-rate-limit on a route, alone or in one hop.
func (p *pass) limiterOn(r gateway.Route, consumer *gateway.Entity) *gateway.Plugin {
	return p.config.Running(r, consumer, "tenant-rate-limit", "tenant_rate_limit")
}

// oneHop is the plugin that runs several of ours.
const oneHop = gateway.OneHop
