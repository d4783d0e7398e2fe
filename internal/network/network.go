// Package network takes from an address what tells one person from another.
package network

import "net/netip"

// The parts of an address that are kept, in bits.
const (
	ipv4Bits = 24
	ipv6Bits = 48
)

// Of is the network of an address: the /24 of an IPv4 address, the /48 of an IPv6 address.
// IPv4 addresses written as IPv6 count as IPv4. It is an error if text is no address.
func Of(text string) (netip.Prefix, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.Prefix(ipv4Bits)
	}
	return address.Prefix(ipv6Bits)
}
