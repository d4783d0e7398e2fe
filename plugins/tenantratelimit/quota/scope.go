package quota

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// scope is one way to tell whose requests count together.
type scope string

const (
	scopeTenant     scope = "tenant"
	scopeUser       scope = "user"
	scopeConsumer   scope = "consumer"
	scopeCredential scope = "credential"
	scopeClaim      scope = "claim"
	scopeIP         scope = "ip"
	scopeRoute      scope = "route"
	scopeService    scope = "service"
	scopeHeader     scope = "header"
	scopeGlobal     scope = "global"
)

// scopeOrder puts those first in a key that place it in a tenant's slot.
var scopeOrder = []scope{
	scopeTenant, scopeUser, scopeConsumer, scopeCredential, scopeClaim,
	scopeIP, scopeRoute, scopeService, scopeHeader, scopeGlobal,
}

// parseScope checks a combination and puts it in order, so that the order in
// which it was written makes no difference.
func parseScope(names []string) ([]scope, error) {
	var list []scope
	for _, name := range names {
		s := scope(name)
		if !slices.Contains(scopeOrder, s) {
			return nil, fmt.Errorf("%q is no scope; use tenant, user, consumer, credential, claim, ip, route, service, header or global", name)
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("empty; name at least one, such as tenant")
	}
	slices.SortFunc(list, func(a, b scope) int {
		return slices.Index(scopeOrder, a) - slices.Index(scopeOrder, b)
	})
	return list, nil
}

// The kinds of key parts. They are part of the keys in Redis: a kind that
// changes starts every counter of that kind anew.
const (
	kindTenant     = 't'
	kindIssuer     = 'j'
	kindUser       = 'u'
	kindConsumer   = 'c'
	kindCredential = 'k'
	kindIP         = 'i'
	kindRoute      = 'r'
	kindService    = 's'
	kindGlobal     = 'g'
	kindClaim      = 'm'
	kindHeader     = 'h'
)

// key finds whose counter a request belongs to, as the parts of its Redis key. A principal that lacks
// what a scope asks for is counted by the next best that Kong verified, and by
// client address at last; so nothing goes uncounted for being anonymous.
//
// The parts are appended to parts, which may be a caller's own array.
func (r *rule) key(parts []limiter.Part, p *identity.Principal, req *Request) []limiter.Part {
	for _, s := range r.scope {
		if belongsToTenant(s) {
			parts = appendNew(parts, realm(p))
		}
		parts = appendNew(parts, r.component(s, p, req))
	}
	return parts
}

func belongsToTenant(s scope) bool {
	return s == scopeTenant || s == scopeUser || s == scopeConsumer || s == scopeCredential || s == scopeClaim
}

// realm is what keeps equal user names apart: the tenant, or the token's
// issuer where tokens name no tenant, or the address of the anonymous.
func realm(p *identity.Principal) limiter.Part {
	switch {
	case p.Tenant.Known():
		return part(kindTenant, p.Tenant)
	case p.Issuer.Known():
		return part(kindIssuer, p.Issuer)
	case p.Consumer.Known():
		return part(kindConsumer, p.Consumer)
	}
	return address(p)
}

func (r *rule) component(s scope, p *identity.Principal, req *Request) limiter.Part {
	tenant, user := part(kindTenant, p.Tenant), part(kindUser, p.User)
	consumer, credential := part(kindConsumer, p.Consumer), part(kindCredential, p.Credential)
	switch s {
	case scopeTenant:
		return firstKnown(p, tenant, user, consumer, credential)
	case scopeUser:
		return firstKnown(p, user, consumer, credential)
	case scopeConsumer:
		return firstKnown(p, consumer, credential)
	case scopeCredential:
		return firstKnown(p, credential, consumer)
	case scopeClaim:
		return firstKnown(p, named(kindClaim, r.claim, req.Token.Claim(r.claim)), user, consumer, credential)
	case scopeHeader:
		return named(kindHeader, strings.ToLower(r.header), identity.Clean(req.Headers[r.header]))
	case scopeRoute:
		return limiter.Part{Kind: kindRoute, ID: req.RouteID}
	case scopeService:
		return limiter.Part{Kind: kindService, ID: req.ServiceID}
	case scopeGlobal:
		return limiter.Part{Kind: kindGlobal}
	}
	return address(p)
}

func firstKnown(p *identity.Principal, candidates ...limiter.Part) limiter.Part {
	for _, c := range candidates {
		if c.ID != "" {
			return c
		}
	}
	return address(p)
}

func part(kind byte, id identity.ID) limiter.Part {
	return limiter.Part{Kind: kind, ID: id.Value, Hashed: id.Hashed}
}

// named is a value of a claim or a header, told apart from other names' values.
// A claim that is absent is nobody's; a header that is absent has a counter.
func named(kind byte, name string, value identity.ID) limiter.Part {
	if kind == kindClaim && !value.Known() {
		return limiter.Part{}
	}
	return limiter.Part{Kind: kind, ID: name + "=" + value.Value, Hashed: value.Hashed}
}

// address is the client's network. All clients whose address cannot be read
// count together.
func address(p *identity.Principal) limiter.Part {
	if !p.Address.IsValid() {
		return limiter.Part{Kind: kindIP, ID: "unknown"}
	}
	return limiter.Part{Kind: kindIP, ID: p.Address.Addr().String()}
}

func appendNew(parts []limiter.Part, p limiter.Part) []limiter.Part {
	if slices.Contains(parts, p) {
		return parts
	}
	return append(parts, p)
}
