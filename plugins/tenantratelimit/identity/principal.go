// Package identity says who is asking. It believes only what Kong has
// verified: the token that its jwt plugin accepted, and the consumer that an
// auth plugin authenticated. Nothing that a client sends on its own becomes a
// tenant, a user or a consumer.
package identity

import "net/netip"

// Evidence is what Kong knows about a request after its auth plugins ran.
type Evidence struct {
	// Token is the one that Kong's jwt plugin verified, or nil.
	Token *Token
	// Consumer is the consumer that Kong attached to the request, if any. With
	// an empty CredentialID it is a stand-in for anonymous requests (an auth
	// plugin's config.anonymous), not somebody who was authenticated.
	Consumer     Consumer
	CredentialID string
	// ClientIP is the client's address as Kong's trusted_ips settings see it.
	ClientIP string
}

// Consumer is the part of Kong's consumer that identifies.
type Consumer struct{ ID, Username, CustomID string }

// Claims names the claims of a verified token that say who its bearer is.
type Claims struct{ Tenant, User, Plan string }

// ID is an identifier that is safe in a header and in a Redis key.
type ID struct {
	Value string
	// Hashed is true where Value stands for an identifier unfit to be passed
	// on: a counter may be kept for it, a header never says it.
	Hashed bool
}

// Known is true for an identifier that was given.
func (id ID) Known() bool { return id.Value != "" }

// Principal is who is asking.
type Principal struct {
	Tenant, User ID
	// Plan is the plan that the token claims, before the plugin's own table has
	// its say. It is empty where no token said it.
	Plan string
	// Issuer is the token's iss. It keeps users of two issuers apart where
	// tokens name no tenant.
	Issuer     ID
	Consumer   ID
	Credential ID
	// Address is the client's network: an IPv4 address or an IPv6 /64. The zero
	// prefix is an address that could not be read.
	Address netip.Prefix
	// Authenticated is true if Kong verified a token or a credential.
	Authenticated bool
}

// Resolve finds the principal.
//
// With a token, tenant, user and plan are its claims; a token that names no
// tenant belongs to the tenant of the consumer that holds the issuer's key,
// but never becomes that consumer's user. Without a token, an authenticated
// consumer's custom_id is the tenant and its username the user.
func Resolve(e Evidence, names Claims) Principal {
	p := Principal{
		Address:       Network(e.ClientIP),
		Authenticated: e.Token != nil || e.CredentialID != "",
	}
	if !p.Authenticated {
		return p
	}
	p.Consumer, p.Credential = clean(e.Consumer.ID), clean(e.CredentialID)
	if e.Token == nil {
		p.Tenant, p.User = clean(e.Consumer.CustomID), clean(e.Consumer.Username)
		return p
	}
	p.Tenant = clean(e.Token.Claim(names.Tenant))
	p.User = clean(e.Token.Claim(names.User))
	p.Issuer = clean(e.Token.Claim("iss"))
	if plan := clean(e.Token.Claim(names.Plan)); !plan.Hashed {
		p.Plan = plan.Value
	}
	if !p.Tenant.Known() {
		p.Tenant = clean(e.Consumer.CustomID)
	}
	return p
}

// ipv6Network is the part of an IPv6 address that one subscriber holds.
const ipv6Network = 64

// Network is the network of one client: the IPv4 address itself, or the /64 of
// an IPv6 address, whose other half a client picks at will. IPv4 addresses
// written as IPv6 count as IPv4. It is the zero prefix if ip is no address.
func Network(ip string) netip.Prefix {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	size := ipv6Network
	if addr.Is4() {
		size = addr.BitLen()
	}
	return netip.PrefixFrom(addr, size).Masked()
}
