// Package cdnranges reads the lists of networks that CDNs publish, from which they ask
// the servers behind them, and makes Kong's setting trusted_ips of them. It keeps no list:
// one that is out of date trusts whoever has the addresses now.
package cdnranges

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Network is what a CDN asks from.
type Network = netip.Prefix

// CDN is one that publishes its networks.
type CDN struct {
	Name string
	// URLs are where the list is, in one or more parts. None: its address changes, and
	// the operator looks it up.
	URLs []string
	// entries are the networks in one part as they are written there.
	entries func(reply []byte) ([]string, error)
	// v4 and v6 say that it publishes networks of the one and of the other.
	v4, v6 bool
}

var all = []CDN{
	{"cloudflare", []string{"https://www.cloudflare.com/ips-v4", "https://www.cloudflare.com/ips-v6"}, cloudflare, true, true},
	{"cloudfront", []string{"https://ip-ranges.amazonaws.com/ip-ranges.json"}, cloudFront, true, false},
	{"fastly", []string{"https://api.fastly.com/public-ip-list"}, fastly, true, true},
	{"frontdoor", nil, frontDoor, true, true},
	{"list", nil, lines, false, false},
}

// Names are those that Find knows.
func Names() (names []string) {
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

// Find returns the CDN of a name. "list" is anybody's, a network a line.
func Find(name string) (CDN, error) {
	i := slices.IndexFunc(all, func(c CDN) bool { return c.Name == name })
	if i < 0 {
		return CDN{}, fmt.Errorf("no CDN is called %q: use one of %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// Parse reads one part of the CDN's list. A list with anything in it that no CDN's has is
// refused whole: what it lets in may call itself anybody.
func (c CDN) Parse(reply []byte) ([]Network, error) {
	text := strings.TrimSpace(string(reply))
	switch {
	case text == "":
		return nil, errEmpty
	case strings.HasPrefix(text, "<"):
		return nil, errHTML
	}
	entries, err := c.entries([]byte(text))
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errEmpty
	}
	networks := make([]Network, len(entries))
	for i, entry := range entries {
		if networks[i], err = parseNetwork(entry); err != nil {
			return nil, err
		}
	}
	return networks, nil
}

// Whole reports whether networks, of all parts, are what the CDN publishes and no half of
// it: its other networks would be its clients'.
func (c CDN) Whole(networks []Network) error {
	isV4 := func(n Network) bool { return n.Addr().Is4() }
	isV6 := func(n Network) bool { return n.Addr().Is6() }
	for _, family := range []struct {
		name      string
		published bool
		is        func(Network) bool
	}{{"IPv4", c.v4, isV4}, {"IPv6", c.v6, isV6}} {
		if family.published && !slices.ContainsFunc(networks, family.is) {
			return fmt.Errorf("there is no %s network in it, and %s publishes some: name all parts of its list with -from, or read what you have as list", family.name, c.Name)
		}
	}
	return nil
}

// Merge sorts networks and leaves out those that are in another one.
func Merge(networks []Network) (merged []Network) {
	sorted := slices.SortedFunc(slices.Values(networks), func(a, b Network) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	})
	for _, n := range sorted {
		if last := len(merged) - 1; last >= 0 && merged[last].Overlaps(n) {
			continue // the wider one of two comes first
		}
		merged = append(merged, n)
	}
	return merged
}
