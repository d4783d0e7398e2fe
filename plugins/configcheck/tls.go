package configcheck

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// tlsProtocols are those of services by which Kong speaks TLS.
var tlsProtocols = []string{"https", "grpcs", "tls", "wss"}

// tlsNotVerified finds services, and plugins, that speak TLS with whoever answers.
func (p *pass) tlsNotVerified() {
	for _, service := range p.config.All("services") {
		if a := gateway.AddressOf(service); slices.Contains(tlsProtocols, a.Protocol) && service.Fields["tls_verify"] != true {
			p.found(service, at("tls_verify"), "Kong checks no certificate of it, which is its default: whoever is on the way can answer in its place",
				"write tls_verify: true, and ca_certificates: [ID] where its CA is not in Kong's own list")
		}
	}
	for _, plugin := range p.config.Plugins {
		p.unverified(plugin, at("config"), plugin.Config())
	}
}

// unverified finds records of a plugin's config that say so: ssl_verify is false where it is
// written, or Kong's default where ssl is on.
func (p *pass) unverified(plugin *gateway.Plugin, path schema.Path, record map[string]any) {
	verify, written := record["ssl_verify"]
	if written && verify == false && record["ssl"] != false || !written && record["ssl"] == true {
		p.found(plugin.Entity, path.At("ssl_verify"), "its TLS checks no certificate: whoever is on the way can answer, and read what is sent", "write ssl_verify: true")
	}
	for _, name := range slices.Sorted(maps.Keys(record)) {
		p.unverified(plugin, path.At(name), gateway.Map(record[name]))
	}
}

// plainHTTP finds services that are called in the clear over networks that are not one's own.
func (p *pass) plainHTTP() {
	for _, service := range p.config.All("services") {
		a := gateway.AddressOf(service)
		if a.Protocol != "http" && a.Protocol != "grpc" && a.Protocol != "ws" {
			continue
		}
		hosts := []string{a.Host}
		if upstream := p.config.Find("upstreams", a.Host); upstream != nil {
			hosts = p.config.Targets(upstream)
		}
		if i := slices.IndexFunc(hosts, func(host string) bool { return !ownNetwork(host) }); i >= 0 {
			p.found(service, at(a.Field), fmt.Sprintf("%s to %s: everybody on the way reads credentials and data, and can change them", a.Protocol, hosts[i]),
				"write protocol: https and tls_verify: true")
		}
	}
}

// ownDomains end names that no public DNS has (RFC 6762, RFC 8375, RFC 2606, Kubernetes, and
// what ICANN keeps for private use).
var ownDomains = []string{".local", ".localhost", ".internal", ".svc", ".lan", ".home.arpa", ".test", ".example", ".invalid", ".consul", ".intranet", ".corp"}

// ownNetwork reports whether a host is this machine or on a network of one's own: an address of
// one, a name of one label, or in a domain that is not public. Names of upstreams are ours.
func ownNetwork(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc(ownDomains, func(domain string) bool { return strings.HasSuffix(host, domain) })
}

// brokenCipher is in OpenSSL's names of those without a key, or with one that can be broken
// (RFC 9325, 4.1). With ! or - before it a list leaves one out.
var brokenCipher = regexp.MustCompile(`^[^!-].*?(RC4|DES|NULL|EXP|MD5)|^(RC4|DES|3DES|NULL|EXP|MD5|LOW|ADH|AECDH|aNULL|eNULL)`)

// oldProtocols finds what kong.conf's variables allow clients, where they are set here.
func (p *pass) oldProtocols() {
	for _, name := range []string{"KONG_SSL_PROTOCOLS", "KONG_NGINX_HTTP_SSL_PROTOCOLS", "KONG_NGINX_PROXY_SSL_PROTOCOLS"} {
		for _, protocol := range strings.Fields(p.Getenv(name)) {
			if slices.Contains([]string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"}, protocol) {
				p.found(p.config.Whole, nil, fmt.Sprintf("the variable %s lets clients speak %s, which is broken (RFC 8996)", name, protocol), "set it to TLSv1.2 TLSv1.3")
			}
		}
	}
	for _, cipher := range strings.Split(p.Getenv("KONG_SSL_CIPHERS"), ":") {
		if brokenCipher.MatchString(cipher) {
			p.found(p.config.Whole, nil, fmt.Sprintf("the variable KONG_SSL_CIPHERS has %s, which is broken", cipher), "take it out, or set KONG_SSL_CIPHER_SUITE to intermediate, Kong's default")
		}
	}
	if p.Getenv("KONG_SSL_CIPHER_SUITE") == "old" {
		p.found(p.config.Whole, nil, "the variable KONG_SSL_CIPHER_SUITE is old, which has ciphers that are broken", "set it to intermediate, Kong's default")
	}
}
