package configcheck

import (
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// urlFields are what a service's url is short for: Kong writes all of them, those that the
// url does not say with their defaults.
var urlFields = []string{"protocol", "host", "port", "path"}

// urlOverwrites finds fields of a service in whose place Kong puts what its url says.
func (p *pass) urlOverwrites() {
	for _, e := range p.config.All("services") {
		said := ofURL(e)
		for _, field := range urlFields {
			if said == nil || e.Fields[field] == nil || fmt.Sprint(e.Fields[field]) == said[field] {
				continue
			}
			instead := said[field]
			if instead == "" {
				instead = "none"
			}
			p.found(e, at(field), fmt.Sprintf("%v: Kong reads %s from url, which says %s", e.Fields[field], field, instead), "write it in url, or remove it")
		}
	}
}

// ofURL is what Kong makes of a service's url (kong/db/schema/entities/services.lua), nil where
// it has none, or none that Kong takes.
func ofURL(service *gateway.Entity) map[string]string {
	text := service.Text("url")
	parts := urlText.FindStringSubmatch(text)
	if parts == nil || urlShape(text) != "" {
		return nil
	}
	protocol, host, port := parts[1], parts[2][strings.LastIndexByte(parts[2], '@')+1:], ""
	if written := portText.FindStringSubmatch(host); written != nil {
		host, port = strings.TrimSuffix(host, written[0]), written[1]
	}
	switch {
	case protocol == "" && port == "443":
		protocol = "https"
	case protocol == "":
		protocol = "http"
	}
	switch {
	case port == "" && protocol == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	return map[string]string{"protocol": protocol, "host": host, "port": port, "path": parts[3]}
}
