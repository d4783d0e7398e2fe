package configcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// This file has what Kong 3.9.1 asks of several fields of an entity together
// (kong/db/schema/entities, "entity_checks" and routes_subschemas.lua).

// together finds fields that are right, and not beside each other.
func (p *pass) together(kind string, e *gateway.Entity) {
	switch kind {
	case "services":
		p.serviceFields(e)
	case "routes":
		p.routeProtocols(e)
		p.routeExpression(e)
		p.routeHeaders(e)
		p.routeMatches(e)
	case "upstreams":
		p.upstreamHashing(e)
	}
}

// forbidden finds fields that may not be there for a reason.
func (p *pass) forbidden(e *gateway.Entity, fields []string, why, instead string) {
	for _, field := range fields {
		if e.Fields[field] != nil {
			p.found(e, at(field), "cannot be set where "+why, "remove it"+instead)
		}
	}
}

// serviceFields finds what only services of other protocols have.
func (p *pass) serviceFields(e *gateway.Entity) {
	protocol, path := protocolOf(e)
	if slices.Contains([]string{"tcp", "tls", "udp", "grpc", "grpcs"}, protocol) && path != "" {
		p.found(e, at(path), "a path cannot be set where protocol is "+protocol, "remove the path, or write protocol: http")
	}
	if slices.Contains([]string{"http", "grpc", "grpcs", "tcp", "udp", "tls_passthrough"}, protocol) {
		p.forbidden(e, []string{"client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates"},
			"protocol is "+protocol, ", or write protocol: https")
	}
}

// protocolOf is a service's protocol, and the field that has a path: of its url where it has
// one, whatever stands beside that. Of a url that Kong refuses it is nothing.
func protocolOf(e *gateway.Entity) (protocol, path string) {
	if e.Fields["path"] != nil {
		path = "path"
	}
	switch said := ofURL(e); {
	case said != nil && said["path"] != "":
		return said["protocol"], "url"
	case said != nil:
		return said["protocol"], ""
	case e.Fields["url"] != nil:
		return "", ""
	case e.Fields["protocol"] == nil:
		return "http", path // Kong's default
	}
	return e.Text("protocol"), path
}

// protocolSets are the protocols that a route may have together, and what those of them cannot
// have, of their own and of what a route is met by, and what to write in its place.
var protocolSets = []struct {
	protocols, without []string
	instead            string
}{
	{[]string{"http", "https"}, []string{"sources", "destinations"}, ""},
	{[]string{"tcp", "tls", "udp"}, []string{"methods", "hosts", "paths", "headers"}, ", or write protocols: [http, https]"},
	{[]string{"tls_passthrough"}, []string{"methods", "hosts", "paths", "headers"}, ", or write protocols: [http, https]"},
	{[]string{"grpc", "grpcs"}, []string{"methods", "sources", "destinations"}, ""},
}

// routeProtocols finds protocols that no route has together, and fields of others.
func (p *pass) routeProtocols(e *gateway.Entity) {
	protocols := protocolsOf(e)
	all := strings.Join(protocols, ", ")
	met := 0
	for _, set := range protocolSets {
		if !slices.ContainsFunc(protocols, func(of string) bool { return slices.Contains(set.protocols, of) }) {
			continue
		}
		if met++; met > 1 {
			p.found(e, at("protocols"), all+": they are of several kinds", "make a route for each of: http and https; tcp, tls and udp; tls_passthrough; grpc and grpcs")
			return
		}
		without := set.without
		if p.hasExpressions() { // with that flavor of the router, networks may be told for all
			without = slices.DeleteFunc(slices.Clone(without), func(field string) bool { return field == "sources" || field == "destinations" })
		}
		p.forbidden(e, without, "protocols are "+all, set.instead)
	}
	if slices.Contains(protocols, "grpc") || slices.Contains(protocols, "grpcs") {
		if e.Fields["strip_path"] == true {
			p.found(e, at("strip_path"), "cannot be true where protocols are "+all, "write false, or remove it")
		}
	}
	overTLS := func(of string) bool { return slices.Contains([]string{"grpcs", "https", "tls", "tls_passthrough"}, of) }
	if filled(e.Fields["snis"]) && !slices.ContainsFunc(protocols, overTLS) {
		p.found(e, at("snis"), "cannot be set where protocols are "+all, "add one over TLS, such as https, or remove it")
	}
}

func protocolsOf(e *gateway.Entity) []string {
	if e.Fields["protocols"] == nil {
		return []string{"http", "https"} // Kong's default
	}
	return gateway.Strings(e.Fields["protocols"])
}

// hasExpressions reports whether the config is for a Kong with router_flavor expressions.
func (p *pass) hasExpressions() bool {
	return slices.ContainsFunc(p.config.All("routes"), func(e *gateway.Entity) bool { return e.Fields["expression"] != nil })
}

// routeExpression finds what has no place beside an expression, and a priority without one.
func (p *pass) routeExpression(e *gateway.Entity) {
	others := []string{"methods", "hosts", "paths", "headers", "snis", "sources", "destinations"}
	others = slices.DeleteFunc(others, func(field string) bool { return !filled(e.Fields[field]) })
	number := func(field string) bool { n, _ := e.Fields[field].(float64); return n != 0 }
	switch isExpression := e.Fields["expression"] != nil; {
	case isExpression && len(others) > 0:
		p.found(e, at("expression"), "cannot be set beside "+strings.Join(others, ", "), "write those in the expression, or remove it")
	case isExpression && number("regex_priority"):
		p.found(e, at("regex_priority"), "cannot be set beside expression", "write priority")
	case len(others) > 0 && number("priority"):
		p.found(e, at("priority"), "cannot be set beside "+strings.Join(others, ", "), "write regex_priority, or an expression in their place")
	}
}

// matching are the fields of which a route of a protocol needs one (kong/db/schema/entities/
// routes_subschemas.lua), the first protocol that a route has.
var matching = []struct {
	protocol string
	fields   []string
	example  string
}{
	{"https", []string{"methods", "hosts", "headers", "paths", "snis"}, "paths: [/orders]"},
	{"http", []string{"methods", "hosts", "headers", "paths"}, "paths: [/orders]"},
	{"grpcs", []string{"hosts", "headers", "paths", "snis"}, "paths: [/orders.Orders]"},
	{"grpc", []string{"hosts", "headers", "paths"}, "paths: [/orders.Orders]"},
	{"tcp", []string{"sources", "destinations", "snis"}, "destinations: [{ port: 9000 }]"},
	{"tls", []string{"sources", "destinations", "snis"}, "snis: [orders.internal]"},
	{"udp", []string{"sources", "destinations", "snis"}, "destinations: [{ port: 9000 }]"},
	{"tls_passthrough", []string{"snis"}, "snis: [orders.internal]"},
}

// routeMatches finds a route that no request can meet. If it has what those of another protocol
// are met by, that has no place there, which is said already.
func (p *pass) routeMatches(e *gateway.Entity) {
	protocols := protocolsOf(e)
	for _, of := range matching {
		if !slices.Contains(protocols, of.protocol) {
			continue
		}
		fields := append(misplacedOn(of.protocol), "expression")
		if !slices.ContainsFunc(append(fields, of.fields...), func(field string) bool { return filled(e.Fields[field]) }) && !p.slipped(e, of.fields) {
			p.found(e, nil, "no request meets it: there is none of "+strings.Join(of.fields, ", "), "write one of them, such as "+of.example)
		}
		return
	}
}

// misplacedOn are the fields that a route of a protocol cannot have.
func misplacedOn(protocol string) []string {
	for _, set := range protocolSets {
		if slices.Contains(set.protocols, protocol) {
			return slices.Clone(set.without)
		}
	}
	return nil
}

// routeHeaders finds a header that no value meets: Kong makes no expression of it.
func (p *pass) routeHeaders(e *gateway.Entity) {
	headers := gateway.Map(e.Fields["headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		switch headers[name].(type) {
		case []any, map[string]any: // Lua has one empty table
			if !filled(headers[name]) {
				p.found(e, at("headers", name), "there is no value in it", "write those that requests have, as [A, B], or remove it")
			}
		}
	}
}

// filled reports whether there is anything in a field. What is of another type another rule
// tells of.
func filled(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case []any:
		return len(value) > 0
	case map[string]any:
		return len(value) > 0
	default:
		return true
	}
}

// hashedBy is the field that says by which header, cookie, argument or capture an upstream
// hashes, or hashes where there is nothing to hash on.
var hashedBy = map[string][2]string{
	"header":      {"hash_on_header", "hash_fallback_header"},
	"cookie":      {"hash_on_cookie", "hash_on_cookie"},
	"query_arg":   {"hash_on_query_arg", "hash_fallback_query_arg"},
	"uri_capture": {"hash_on_uri_capture", "hash_fallback_uri_capture"},
}

// upstreamHashing finds a hash of what is not said, a fallback from nothing, and one to the
// same.
func (p *pass) upstreamHashing(e *gateway.Entity) {
	on, fallback := e.Text("hash_on"), e.Text("hash_fallback")
	if algorithm := e.Text("algorithm"); algorithm == "least-connections" || algorithm == "latency" {
		return // hash_on is not read then
	}
	for i, by := range []string{on, fallback} {
		if field, named := hashedBy[by]; named && e.Fields[field[i]] == nil {
			p.found(e, nil, fmt.Sprintf("%s is %s, and there is no %s", []string{"hash_on", "hash_fallback"}[i], by, field[i]), "write it")
		}
	}
	none := fallback == "" || fallback == "none"
	switch {
	case none:
	case on == "" || on == "none" || on == "cookie":
		p.found(e, at("hash_fallback"), fmt.Sprintf("%q: it is not read where hash_on is %s", fallback, orNone(on)), "write none, or another hash_on")
	case on == fallback && slices.Contains([]string{"consumer", "ip", "path"}, on):
		p.found(e, at("hash_fallback"), fmt.Sprintf("%q: hash_on is the same", fallback), "write another, or none")
	}
	p.distinct(e, "hash_on_header", "hash_fallback_header")
	p.distinct(e, "hash_on_query_arg", "hash_fallback_query_arg")
	p.distinct(e, "hash_on_uri_capture", "hash_fallback_uri_capture")
}

func orNone(hash string) string {
	if hash == "" {
		return "none"
	}
	return hash
}

// distinct finds two fields of one value.
func (p *pass) distinct(e *gateway.Entity, one, other string) {
	if text := e.Text(one); text != "" && text == e.Text(other) {
		p.found(e, at(other), fmt.Sprintf("%q: %s is the same", text, one), "write another")
	}
}
