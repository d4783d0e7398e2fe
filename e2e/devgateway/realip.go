package devgateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// realIP finds a client's address as nginx's realip module does, by Kong's settings
// trusted_ips, real_ip_header and real_ip_recursive.
type realIP struct {
	trusted   []netip.Prefix
	header    string
	recursive bool
}

func newRealIP(opts Options) (realIP, error) {
	r := realIP{header: opts.RealIPHeader, recursive: opts.RealIPRecursive == "on"}
	if r.header == "" {
		r.header = "X-Real-IP"
	}
	if r.header == "proxy_protocol" {
		return r, errors.New("KONG_REAL_IP_HEADER=proxy_protocol: the dev gateway does not support PROXY protocol; `make up` runs Kong")
	}
	for entry := range strings.SplitSeq(opts.TrustedIPs, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		network, err := parseNetwork(entry)
		if err != nil {
			return r, fmt.Errorf("KONG_TRUSTED_IPS: %q is neither an IP address nor a network", entry)
		}
		r.trusted = append(r.trusted, network)
	}
	return r, nil
}

// parseNetwork reads a network, or an address, which is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

func (r realIP) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(r.trusted, func(n netip.Prefix) bool { return n.Contains(addr.Unmap()) })
}

// client is the address in the header that the nearest trusted peer has not made up: from
// the right, the first that is not trusted itself; without recursion the last one.
func (r realIP) client(peer string, h http.Header) (client string, trusted bool) {
	addr, err := netip.ParseAddr(peer)
	if err != nil || !r.trusts(addr) {
		return peer, false
	}
	entries := strings.FieldsFunc(strings.Join(h.Values(r.header), ","), func(c rune) bool { return c == ' ' || c == ',' })
	for _, entry := range slices.Backward(entries) {
		next, ok := forwarded(entry)
		if !ok {
			break
		}
		addr = next
		if !r.recursive || !r.trusts(addr) {
			break
		}
	}
	return addr.String(), true
}

// forwarded reads an entry of X-Forwarded-For, which may have a port.
func forwarded(entry string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return addr, true
	}
	withPort, err := netip.ParseAddrPort(entry)
	return withPort.Addr(), err == nil
}
