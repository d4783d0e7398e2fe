package mtls

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Name is who a certificate is for: a SPIFFE ID, or else a DNS name.
type Name struct {
	spiffe *url.URL
	dns    string
}

// ParseNames reads names with commas between them. There is one at least.
func ParseNames(text string) ([]Name, error) {
	var names []Name
	for part := range strings.SplitSeq(text, ",") {
		name, err := parseName(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func parseName(text string) (Name, error) {
	if !strings.Contains(text, ":") && text != "" && !strings.ContainsAny(text, "/* \t") {
		return Name{dns: strings.ToLower(text)}, nil
	}
	u, err := url.Parse(text)
	// SPIFFE-ID, 2: a trust domain and a path, and nothing else.
	if err != nil || u.Scheme != "spiffe" || u.Host == "" || u.Port() != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return Name{}, fmt.Errorf("%q is no SPIFFE ID and no DNS name: write it as spiffe://domain/path or host.domain", text)
	}
	return Name{spiffe: u}, nil
}

func (n Name) String() string {
	if n.spiffe != nil {
		return n.spiffe.String()
	}
	return n.dns
}

// in reports whether a certificate bears the name. It allocates nothing: a server asks
// for each request.
func (n Name) in(cert *x509.Certificate) bool {
	if n.spiffe == nil {
		return slices.ContainsFunc(cert.DNSNames, func(name string) bool { return strings.EqualFold(name, n.dns) })
	}
	return slices.ContainsFunc(cert.URIs, func(u *url.URL) bool {
		return u.Scheme == n.spiffe.Scheme && u.Host == n.spiffe.Host && u.Path == n.spiffe.Path
	})
}

// of are the names of a certificate, for a log.
func of(cert *x509.Certificate) string {
	names := slices.Clone(cert.DNSNames)
	for _, u := range cert.URIs {
		names = append(names, u.String())
	}
	return strings.Join(names, " ")
}
