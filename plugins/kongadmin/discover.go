package kongadmin

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Resolver asks the DNS. [net.Resolver] is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Place is where an Admin API is.
type Place struct {
	// Address is its URL.
	Address string
	// ServerName is what its certificate is for, empty if that is the URL's host.
	ServerName string
}

// Find returns the places that an address stands for, in order:
//
//	http://10.0.0.1:8001                     itself
//	dns+http://kong-admin.kong.svc:8001      each address (A, AAAA) of the name, such as
//	                                         that of a headless Service of Kubernetes
//	srv+https://_admin._tcp.kong.svc         each host and port of the name's SRV records
//
// It is an error if a name has none: nobody would be asked, and all be well.
func Find(ctx context.Context, dns Resolver, address string) ([]Place, error) {
	how, rest, found := strings.Cut(address, "+")
	if !found || how != "dns" && how != "srv" {
		return []Place{{Address: address}}, nil
	}
	u, err := url.Parse(rest)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%s: write a name to look up as %s+http://kong-admin.kong.svc:8001", how, how)
	}
	hosts, err := lookUp(ctx, dns, how, u)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", u.Hostname(), err)
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("look up %s: it has no address", u.Hostname())
	}
	slices.Sort(hosts)
	name := u.Hostname()
	var places []Place
	for _, host := range slices.Compact(hosts) {
		u.Host = host
		place := Place{Address: u.String()}
		if how == "dns" {
			place.ServerName = name // addresses are in no certificate
		}
		places = append(places, place)
	}
	return places, nil
}

// lookUp returns hosts with their ports.
func lookUp(ctx context.Context, dns Resolver, how string, u *url.URL) (hosts []string, err error) {
	if how == "srv" {
		_, records, err := dns.LookupSRV(ctx, "", "", u.Hostname())
		for _, r := range records {
			hosts = append(hosts, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
		}
		return hosts, err
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	addresses, err := dns.LookupHost(ctx, u.Hostname())
	for _, a := range addresses {
		hosts = append(hosts, net.JoinHostPort(a, port))
	}
	return hosts, err
}
