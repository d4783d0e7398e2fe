package cdnranges

import (
	"encoding/json"
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
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/24"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
}

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
	if slices.ContainsFunc(inside, n.Overlaps) {
		return n, fmt.Errorf("%s is no network of the public internet: look where the list comes from", n)
	}
	return n, nil
}

// lines reads a network a line, as Cloudflare has it; # begins a comment.
func lines(reply []byte) (entries []string, err error) {
	for line := range strings.Lines(string(reply)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			entries = append(entries, line)
		}
	}
	return entries, nil
}

// cloudFront reads AWS's ip-ranges.json, in which other services stand too. Of CloudFront
// only the networks that ask origins are taken, where they are marked.
func cloudFront(reply []byte) ([]string, error) {
	var doc struct {
		Prefixes []struct {
			Network string `json:"ip_prefix"`
			Service string `json:"service"`
		} `json:"prefixes"`
		IPv6Prefixes []struct {
			Network string `json:"ipv6_prefix"`
			Service string `json:"service"`
		} `json:"ipv6_prefixes"`
	}
	if err := decode(reply, &doc); err != nil {
		return nil, err
	}
	byService := map[string][]string{}
	for _, p := range doc.Prefixes {
		byService[p.Service] = append(byService[p.Service], p.Network)
	}
	for _, p := range doc.IPv6Prefixes {
		byService[p.Service] = append(byService[p.Service], p.Network)
	}
	if facing := byService["CLOUDFRONT_ORIGIN_FACING"]; len(facing) > 0 {
		return facing, nil
	}
	return byService["CLOUDFRONT"], nil
}

// fastly reads https://api.fastly.com/public-ip-list.
func fastly(reply []byte) ([]string, error) {
	var doc struct {
		IPv4 []string `json:"addresses"`
		IPv6 []string `json:"ipv6_addresses"`
	}
	err := decode(reply, &doc)
	return append(doc.IPv4, doc.IPv6...), err
}

// frontDoor reads Azure's service tags, of which one is Front Door's towards origins.
func frontDoor(reply []byte) (entries []string, err error) {
	var doc struct {
		Values []struct {
			Name       string `json:"name"`
			Properties struct {
				Networks []string `json:"addressPrefixes"`
			} `json:"properties"`
		} `json:"values"`
	}
	err = decode(reply, &doc)
	for _, tag := range doc.Values {
		if tag.Name == "AzureFrontDoor.Backend" {
			entries = append(entries, tag.Properties.Networks...)
		}
	}
	return entries, err
}

func decode(reply []byte, into any) error {
	err := json.Unmarshal(reply, into)
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(reply)):
		return errCut
	case errors.As(err, &shape):
		return fmt.Errorf("its JSON is not what this CDN publishes: %s is a %s: look whether the format has changed", shape.Field, shape.Value)
	case err != nil:
		return fmt.Errorf("it is no JSON: %w: look at what it is", err)
	}
	return nil
}
