package cdnranges

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

var (
	errEmpty = errors.New("there is no network in it: trust nobody by leaving trusted_ips out, not by this list")
	errHTML  = errors.New("it is a web page and no list: look at it in a browser, save the list, and name the file with -from")
	errCut   = errors.New("its JSON is cut short: fetch it again")
)

// The broadest networks that are believed, in bits. What CDNs publish is narrower, and
// what is cut off in the middle of a number is not ("/2" of "/20").
const (
	leastBitsV4 = 10
	leastBitsV6 = 24
)

// inside are networks that no CDN asks from: what a list must not make trusted.
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("224.0.0.0/3"),
	// Protocols' own, Teredo among them, and 6to4: hosts of all of IPv4 have addresses there.
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2002::/16"),
}

// publicV6 is where IPv6 has its public addresses (IANA's registry of global unicast
// addresses). Outside of it is NAT64 too, which is all of IPv4.
var publicV6 = netip.MustParsePrefix("2000::/3")

// parseNetwork reads a network, or an address, which is a network of one. Bits beyond the
// prefix are dropped: AWS documents that it may publish some.
func parseNetwork(entry string) (Network, error) {
	if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
		entry = netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	n, err := netip.ParsePrefix(entry)
	if err != nil {
		return n, fmt.Errorf("%.60q is no network: write it as 192.0.2.0/24", entry)
	}
	n = n.Masked()
	least := leastBitsV6
	if n.Addr().Is4() {
		least = leastBitsV4
	}
	if n.Bits() < least {
		return n, fmt.Errorf("%s is broader than any CDN (/%d): look where the list comes from", n, least)
	}
	if slices.ContainsFunc(inside, n.Overlaps) || n.Addr().Is6() && !publicV6.Contains(n.Addr()) {
		return n, fmt.Errorf("%s is no network of the public internet: look where the list comes from", n)
	}
	return n, nil
}

// lines reads a network a line; # begins a comment.
func lines(reply []byte) (entries []string, err error) {
	for line := range strings.Lines(string(reply)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			entries = append(entries, line)
		}
	}
	return entries, nil
}

// cloudflare reads a network a line. An address alone, which Cloudflare publishes none
// of, is a line that was cut off before its "/".
func cloudflare(reply []byte) ([]string, error) {
	entries, err := lines(reply)
	for _, entry := range entries {
		if _, err := netip.ParseAddr(entry); err == nil {
			return nil, fmt.Errorf("%s is cut short, or no network of Cloudflare's: fetch the list again", entry)
		}
	}
	return entries, err
}

// cloudFront reads AWS's ip-ranges.json, in which other services stand too. Of CloudFront
// only the networks that ask origins are taken, where they are marked.
func cloudFront(reply []byte) ([]string, error) {
	doc, err := decode(reply)
	if err != nil {
		return nil, err
	}
	byService := map[string][]string{}
	for _, v := range []struct{ list, network string }{{"prefixes", "ip_prefix"}, {"ipv6_prefixes", "ipv6_prefix"}} {
		prefixes, err := field[[]object](doc, v.list)
		if err != nil {
			return nil, err
		}
		for _, p := range prefixes {
			network, err := field[string](p, v.network)
			service, err2 := field[string](p, "service")
			if err := cmp.Or(err, err2); err != nil {
				return nil, err
			}
			byService[service] = append(byService[service], network)
		}
	}
	if facing := byService["CLOUDFRONT_ORIGIN_FACING"]; len(facing) > 0 {
		return facing, nil
	}
	return byService["CLOUDFRONT"], nil
}

// fastly reads https://api.fastly.com/public-ip-list.
func fastly(reply []byte) ([]string, error) {
	doc, err := decode(reply)
	if err != nil {
		return nil, err
	}
	v4, err := field[[]string](doc, "addresses")
	if err != nil {
		return nil, err
	}
	v6, err := field[[]string](doc, "ipv6_addresses")
	return append(v4, v6...), err
}

// frontDoor reads Azure's service tags, of which one is Front Door's towards origins.
func frontDoor(reply []byte) (entries []string, err error) {
	doc, err := decode(reply)
	if err != nil {
		return nil, err
	}
	tags, err := field[[]object](doc, "values")
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		name, err := field[string](tag, "name")
		if err != nil {
			return nil, err
		}
		if name != "AzureFrontDoor.Backend" {
			continue
		}
		properties, err := field[object](tag, "properties")
		if err != nil {
			return nil, err
		}
		networks, err := field[[]string](properties, "addressPrefixes")
		if err != nil {
			return nil, err
		}
		entries = append(entries, networks...)
	}
	return entries, nil
}
