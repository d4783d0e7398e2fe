package configcheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// routesTwice finds routes that are met by the same requests, of which Kong takes one.
func (p *pass) routesTwice() {
	first := map[string]*gateway.Entity{}
	for _, e := range p.config.All("routes") {
		key := matchOf(e)
		before := first[key]
		switch {
		case key == "":
		case before == nil:
			first[key] = e
		default:
			p.found(e, nil, fmt.Sprintf("it is met by the same requests as %s (%s), and Kong takes one of the two", before.Path, p.config.Document.At(before.Path)),
				"let one of them be met by less, or take it out")
		}
	}
}

// matchOf is by which requests a route is met, the same for two that are met by the same; empty
// if it is by nothing.
func matchOf(e *gateway.Entity) string {
	match := map[string]any{}
	for _, field := range []string{"methods", "hosts", "paths", "snis", "sources", "destinations"} {
		if list := gateway.List(e.Fields[field]); len(list) > 0 {
			match[field] = inOrder(list)
		}
	}
	headers := map[string]any{}
	for name, values := range gateway.Map(e.Fields["headers"]) {
		headers[strings.ToLower(name)] = inOrder(gateway.List(values))
	}
	if len(headers) > 0 {
		match["headers"] = headers
	}
	if e.Text("expression") != "" {
		match["expression"] = e.Text("expression")
	}
	if len(match) == 0 {
		return ""
	}
	protocols := protocolsOf(e)
	slices.Sort(protocols)
	match["protocols"] = slices.Compact(protocols)
	for _, field := range []string{"regex_priority", "priority"} {
		if n, _ := e.Fields[field].(float64); n != 0 {
			match[field] = n
		}
	}
	text, _ := json.Marshal(match) // of JSON's values
	return string(text)
}

// inOrder are the values of a set as texts.
func inOrder(list []any) (texts []string) {
	for _, value := range list {
		text, _ := json.Marshal(value) // of JSON's values
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// upstreamsUnused finds upstreams that are the host of no service: their targets get no
// request, and a service that was to have them asks a name server.
func (p *pass) upstreamsUnused() {
	var hosts []string
	for _, service := range p.config.All("services") {
		if host := gateway.AddressOf(service).Host; host != "" {
			hosts = append(hosts, host)
		}
	}
	for _, upstream := range p.config.All("upstreams") {
		name := upstream.Name()
		if name == "" || len(hosts) == 0 || slices.ContainsFunc(hosts, func(host string) bool { return strings.EqualFold(host, name) }) {
			continue
		}
		fix := "write it as the host of a service, or take it out"
		if near := spelling.Nearest(name, hosts, spelling.AnyNumber); near != "" {
			fix = near + "?"
		}
		p.found(upstream, at("name"), fmt.Sprintf("%q is the host of no service, so its targets get no request", name), fix)
	}
}
