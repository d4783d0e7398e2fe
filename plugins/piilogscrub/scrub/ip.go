package scrub

import (
	"bytes"

	"github.com/gatehousehq/gatehouse/internal/network"
)

// ipv4At returns the end of the IPv4 address at b[i:]: four decimal numbers up
// to 255 without leading zeros, or with three digits each, and no fifth.
func ipv4At(b []byte, i int) (end int, ok bool) {
	padded, zero := true, false
	for part := range 4 {
		if part > 0 {
			if at(b, i) != '.' {
				return 0, false
			}
			i++
		}
		start, v := i, 0
		for i < len(b) && i-start < 4 && isDigit(b[i]) {
			v = 10*v + int(b[i]-'0')
			i++
		}
		if padded = padded && i-start == 3; i == start || v > 255 {
			return 0, false
		}
		zero = zero || i-start > 1 && b[start] == '0'
	}
	if zero && !padded || is(at(b, i), alnum) || at(b, i) == '.' && isDigit(at(b, i+1)) {
		return 0, false
	}
	return i, true
}

// ipv4 looks at the four numbers at b[start:end]: an address or a version.
func (s *scan) ipv4(start, end int) bool {
	if c := at(s.b, start-1); c == '.' || c == '-' && is(at(s.b, start-2), letter) || s.isVersion(start, end) {
		s.next = end
		return true
	}
	return s.emit(IP, start, end)
}

// isVersion reports whether b[start:end] is a product's version, as in
// "Chrome/120.0.0.0", "lib-1.2.3.4.jar" and "version: 1.2.3.4".
func (s *scan) isVersion(start, end int) bool {
	switch c := at(s.b, end); c {
	case '-', '_', '+':
		if _, pair := ipv4At(s.b, end+1); !pair && (c != '+' || !s.query) {
			return true
		}
	}
	if at(s.b, start-1) == '/' {
		i := start - 1
		for i > 0 && start-i < maxName && is(s.b[i-1], wordByte) {
			i--
		}
		if i < start-1 && at(s.b, i-1) != '/' && isProduct(s.b[i:start-1], s.b[start:end]) {
			return true
		}
	}
	r, prose := s.labelBefore(start)
	if prose {
		r |= s.e.words.rolesIn(s.b[max(0, start-12):start])
	}
	return r&roleVersion != 0
}

// isProduct reports whether "name/1.2.3.4" is a product and its version: a name in
// capitals, or one in small letters that is no host's, or a version that ends in zeros.
func isProduct(name, version []byte) bool {
	switch {
	case name[0] >= 'A' && name[0] <= 'Z' || bytes.HasSuffix(version, []byte(".0.0")):
		return true
	case at(version, 1) != '.':
		return false // no product that is known has a first number above nine and three more
	}
	return isAlpha(name[0]) && !hostWords[string(bytes.ToLower(name))]
}

// hostWords stand before an address in "client/1.2.3.4", and are no products.
var hostWords = setOf("addr", "address", "backend", "client", "dns", "from", "gateway", "host", "ip", "ipv4", "lookup", "net",
	"network", "node", "ns", "peer", "proxy", "remote", "resolver", "route", "server", "source", "src", "subnet", "to", "dst",
	"upstream", "user", "whois")

func setOf(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, one := range list {
		set[one] = true
	}
	return set
}

// ipv6 looks at the ':' at b[i]: an IPv6 address (RFC 4291, 2.2) around it.
func (s *scan) ipv6(i int) {
	if !is(at(s.b, i-1), hexDigit) && at(s.b, i+1) != ':' {
		return
	}
	start := i
	for start > s.done && i-start < 5 && is(s.b[start-1], hexDigit) {
		start--
	}
	if !boundary(s.b, start) || start > 0 && s.b[start-1] == ':' {
		return
	}
	if end := ipv6End(s.b, start); end > 0 {
		s.emit(IP, start, zoneEnd(s.b, end))
	}
}

// zoneEnd returns the end of the zone (RFC 4007, 11) that follows an address at
// b[i], as in "fe80::1%eth0", or i. A percent-encoded byte is no zone.
func zoneEnd(b []byte, i int) int {
	if at(b, i) != '%' || isPercent(b, i) {
		return i
	}
	end := i + 1
	for end < len(b) && is(b[end], alnum) {
		end++
	}
	if end == i+1 {
		return i
	}
	return end
}

// ipv6End returns the end of the IPv6 address at b[i:], or 0 if there is none:
// eight groups of up to four hexadecimal digits, or fewer with one "::", of
// which the last two may be an IPv4 address.
func ipv6End(b []byte, i int) int {
	a := ipv6{b: b, i: i}
	for a.groups < 8 && a.separator() && a.group() {
	}
	complete := a.groups == 8 && !a.gap || a.groups < 8 && a.gap
	if !complete || !a.digits || a.bad || is(at(b, a.i), alnum) || at(b, a.i) == '.' && isDigit(at(b, a.i+1)) ||
		at(b, a.i) == ':' && (at(b, a.i+1) == ':' || is(at(b, a.i+1), hexDigit)) {
		return 0
	}
	return a.i
}

// ipv6 walks over an IPv6 address.
type ipv6 struct {
	b      []byte
	i      int
	groups int  // of 16 bits
	gap    bool // "::" was there
	digits bool // a decimal digit was there, as in all addresses but few
	bad    bool // a group is too long
}

// separator walks over what stands before a group, and reports whether one may
// follow.
func (a *ipv6) separator() bool {
	switch {
	case at(a.b, a.i) == ':' && at(a.b, a.i+1) == ':' && !a.gap:
		a.gap = true
		a.i += 2
	case a.groups == 0:
	case at(a.b, a.i) == ':' && is(at(a.b, a.i+1), hexDigit):
		a.i++
	default:
		return false
	}
	return true
}

// group walks over a group, or the IPv4 address that stands for the last two,
// and reports whether another may follow.
func (a *ipv6) group() bool {
	if end, ok := ipv4At(a.b, a.i); ok && a.groups <= 6 && (a.groups > 0 || a.gap) {
		a.i, a.groups, a.digits = end, a.groups+2, true
		return false
	}
	start := a.i
	for a.i < len(a.b) && a.i-start < 5 && is(a.b[a.i], hexDigit) {
		a.digits = a.digits || isDigit(a.b[a.i])
		a.i++
	}
	a.bad = a.i-start > 4
	if a.i > start {
		a.groups++
	}
	return a.i > start && !a.bad
}

// appendNetwork appends the network of an address: of IPv4 the first 24 bits,
// of IPv6 the first 48.
func appendNetwork(dst, addr []byte) []byte {
	if bytes.IndexByte(addr, ':') < 0 { // four numbers
		dst = append(dst, addr[:bytes.LastIndexByte(addr, '.')]...)
		return append(dst, ".0"...)
	}
	of, err := network.Of(string(addr))
	if err != nil {
		return append(dst, markers[IP]...)
	}
	return of.Addr().AppendTo(dst)
}

// isNetworkAddress reports whether a value under "address" begins with a network's, not a
// person's: an IP address, or what was left of one, a socket, a host and its port, or Oracle's list of such.
func isNetworkAddress(v []byte) bool {
	if bytes.HasPrefix(v, []byte("[ip]")) || bytes.HasPrefix(v, []byte("[ip:")) || bytes.HasPrefix(v, []byte("unix:")) || bytes.HasPrefix(v, []byte("[")) && ipv6End(v, 1) > 0 || ipv6End(v, 0) > 0 || foldPrefix(v, 0, "(protocol=") {
		return true
	}
	if _, ok := ipv4At(v, 0); ok {
		return true
	}
	host := 0
	for host < len(v) && (is(v[host], wordByte) || v[host] == '.') {
		host++
	}
	port := skipDigits(v, host+1)
	return host > 0 && at(v, host) == ':' && port > host+1 && port-host-1 <= maxPort && !is(at(v, port), alnum) ||
		host == len(v) && bytes.IndexByte(v, '.') > 0 && hasLower(v[max(0, host-2):])
}
