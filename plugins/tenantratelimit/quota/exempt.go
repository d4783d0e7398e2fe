package quota

import (
	"net/netip"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// Exemption is why no limit is asked about a request.
type Exemption string

// The exemptions, in the order in which they are looked for.
const (
	ExemptNetwork   Exemption = "network"
	ExemptPreflight Exemption = "preflight"
	ExemptRoute     Exemption = "route"
	ExemptConsumer  Exemption = "consumer"
	ExemptTenant    Exemption = "tenant"
	ExemptCost      Exemption = "cost" // of 0
)

// Exemptions are all that there are.
func Exemptions() []Exemption {
	return []Exemption{ExemptNetwork, ExemptPreflight, ExemptRoute, ExemptConsumer, ExemptTenant, ExemptCost}
}

// exempt is [Exempt], ready to be looked through.
type exempt struct {
	preflights                 bool
	routes, consumers, tenants map[string]bool
	networks                   []netip.Prefix
}

// compile leaves out networks that are none, and those of everybody.
func (x Exempt) compile(bad *mistakes) exempt {
	made := exempt{preflights: x.Preflights, routes: set(x.Routes), consumers: set(x.Consumers), tenants: set(x.Tenants)}
	for i, text := range x.Networks {
		network, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			bad.addf("exempt.networks[%d]: %q is no network; write it as address/bits, such as 10.0.0.0/8 or 2001:db8::/32", i, text)
		case network.Bits() == 0:
			bad.addf("exempt.networks[%d]: %q is everybody; write the networks that are meant, or mode: shadow on the limits", i, text)
		case network != network.Masked():
			bad.addf("exempt.networks[%d]: %q has bits of an address behind its prefix; write %s, or %s/%d for the address alone", i, text, network.Masked(), network.Addr(), network.Addr().BitLen())
		default:
			made.networks = append(made.networks, network)
		}
	}
	return made
}

// set is of names. The empty one is nobody's.
func set(names []string) map[string]bool {
	made := make(map[string]bool, len(names))
	for _, name := range names {
		made[name] = name != ""
	}
	return made
}

// exemption is why no limit is asked about the request; empty if they are.
func (d *Decider) exemption(p *identity.Principal, req *Request, cost int64) Exemption {
	x := &d.exempt
	switch {
	case x.inNetworks(req.ClientIP):
		return ExemptNetwork
	case x.preflights && req.Preflight:
		return ExemptPreflight
	case x.routes[req.RouteName] || x.routes[req.RouteID]:
		return ExemptRoute
	case x.isConsumer(req.Holder()):
		return ExemptConsumer
	case !p.Tenant.Hashed && x.tenants[p.Tenant.Value]:
		return ExemptTenant
	case cost == 0:
		return ExemptCost
	}
	return ""
}

func (x *exempt) inNetworks(address string) bool {
	if len(x.networks) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(address)
	ip = ip.Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(x.networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// isConsumer is for a consumer whose credential Kong verified.
func (x *exempt) isConsumer(c identity.Consumer) bool {
	return x.consumers[c.Username] || x.consumers[c.CustomID] || x.consumers[c.ID]
}

// pass admits a request that no limit is asked about. The service is told who is asking
// all the same, and clients nothing of limits that do not apply.
func (d *Decider) pass(p *identity.Principal, req *Request, plan string, why Exemption) Decision {
	d.backend.Metrics.Exempt(why)
	if d.backend.Usage != nil {
		d.backend.Usage.See(d.backend.Now(), credential(p, req))
	}
	return Decision{Principal: *p, Plan: plan, Exempt: why, Upstream: d.upstreamHeaders(p, req, plan)}
}
