package identity

import (
	"net/netip"
	"strings"
)

// Evidence is what Kong knows about a request after its auth plugins ran.
type Evidence struct {
	// Token is the one that Kong's jwt plugin verified, or nil.
	Token *Token
	// TokenRefused says that the token has a [Fault]: its claims name nobody.
	TokenRefused bool
	// Consumer is the consumer that Kong attached to the request, if any. With
	// an empty CredentialID it is a stand-in for anonymous requests (an auth
	// plugin's config.anonymous), not somebody who was authenticated.
	Consumer     Consumer
	CredentialID string
	// Groups are what Kong's other auth plugins say of who is asking.
	Groups []string
	// ClientIP is the client's address as Kong's trusted_ips settings see it.
	ClientIP string
}

// Consumer is the part of Kong's consumer that identifies.
type Consumer struct {
	ID, Username, CustomID string
	Tags                   []string
}

// Authenticated is true if Kong verified a token or a credential.
func (e *Evidence) Authenticated() bool { return e.Token != nil || e.CredentialID != "" }

// Holder is the consumer whose credential Kong verified, empty if it verified none: a
// stand-in for anonymous requests holds nothing.
func (e *Evidence) Holder() Consumer {
	if e.CredentialID == "" {
		return Consumer{}
	}
	return e.Consumer
}

// Principal is who is asking. Its identifiers are clean: see [Clean].
type Principal struct {
	Tenant, User ID
	// Plans are those that the token claims, or else the consumer's tags and the
	// groups name, before the plugin's own table has its say.
	Plans []string
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
// consumer's custom_id is the tenant, its username the user, and its tags and
// the authenticated groups name the plan.
//
// With a token that was refused, only the consumer and the credential are known: by whose
// key it was signed.
func Resolve(e Evidence, names Claims) Principal {
	p := Principal{Address: Network(e.ClientIP), Authenticated: e.Authenticated()}
	holder := e.Holder()
	p.Consumer, p.Credential = Clean(holder.ID), Clean(e.CredentialID)
	if e.TokenRefused {
		return p
	}
	p.Tenant = e.Token.Claim(names.TenantClaim)
	if !p.Tenant.Known() {
		p.Tenant = Clean(holder.CustomID)
	}
	switch {
	case e.Token != nil:
		p.User, p.Issuer = e.Token.Claim(names.UserClaim), e.Token.Claim(issuerClaim)
		if plan := e.Token.Claim(names.Plan); plan.Known() && !plan.Hashed {
			p.Plans = []string{plan.Value}
		}
	case p.Authenticated:
		p.User = Clean(holder.Username)
		p.Plans = append(suffixes(holder.Tags, names.PlanTag), suffixes(e.Groups, names.PlanGroup)...)
	}
	return p
}

// suffixes are what follows prefix in the words that begin with it.
func suffixes(words []string, prefix string) (list []string) {
	for _, word := range words {
		if rest, found := strings.CutPrefix(word, prefix); found && prefix != "" && rest != "" {
			list = append(list, rest)
		}
	}
	return list
}

// ipv6Network is the part of an IPv6 address that one subscriber holds.
const ipv6Network = 64

// Network is the network of one client: the IPv4 address itself, or the /64 of
// an IPv6 address, whose other half a client picks at will. IPv4 addresses
// written as IPv6 count as IPv4. It is the zero prefix if ip is no address.
func Network(ip string) netip.Prefix {
	if ip == "" { // not read, where nothing asks for it
		return netip.Prefix{}
	}
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
