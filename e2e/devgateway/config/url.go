package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// serviceURL is a service's protocol, host, port and path in one field. The field itself
// is checked; what it stands for is, too, once it is written out.
func serviceURL() *schema.Field {
	return &schema.Field{Type: "string", Check: func(v any) string {
		text, _ := v.(string)
		_, problem := parseURL(text)
		return problem
	}}
}

// parseURL is what a service's url stands for, or what is wrong with it. Kong takes a
// scheme to go without saying, and drops a query.
func parseURL(text string) (fields map[string]any, problem string) {
	u, err := url.Parse(text)
	switch {
	case schema.IsReference(text):
		return nil, "the dev gateway does not resolve vault references: write the value itself, or " + onKong
	case err != nil || u.Hostname() == "":
		return nil, fmt.Sprintf("%q has no host: write it as http://host:port/path", text)
	}
	port, _ := strconv.ParseFloat(u.Port(), 64)
	protocol := cmp.Or(u.Scheme, map[float64]string{443: "https"}[port], "http")
	if httpOnly(protocol) != "" {
		return nil, fmt.Sprintf("%q: %s", text, httpOnly(protocol))
	}
	fields = map[string]any{"protocol": protocol, "host": u.Hostname(), "port": port, "path": nil}
	if u.Port() == "" {
		fields["port"] = map[string]float64{"http": 80, "https": 443}[protocol]
	}
	if path := u.EscapedPath(); path != "" {
		fields["path"] = path
	}
	return fields, ""
}

// withURLs is a document whose services have what their url stands for, which goes before
// what else they say.
func withURLs(doc map[string]any) map[string]any {
	services, _ := doc["services"].([]any)
	services = slices.Clone(services)
	for i, service := range services {
		service, _ := service.(map[string]any)
		text, given := service["url"].(string)
		if !given {
			continue
		}
		fields, problem := parseURL(text)
		if problem != "" {
			continue
		}
		written := maps.Clone(service)
		maps.Copy(written, fields)
		services[i] = written
	}
	out := maps.Clone(doc)
	if len(services) > 0 {
		out["services"] = services
	}
	return out
}

// instead are fields by which an entity says what the dev gateway wants in another one.
// What is wrong with the one is not that the other is missing.
var instead = []struct {
	kind, field string
	others      []string
}{
	{"services", "host", []string{"url"}},
	{"services", "protocol", []string{"url"}},
	{"services", "port", []string{"url"}},
	{"services", "path", []string{"url"}},
	{"routes", "paths", []string{"hosts", "snis", "expression", "sources", "destinations"}},
	{"jwt_secrets", "rsa_public_key", []string{"algorithm", "secret"}},
}

// asWritten are the errors about the fields that somebody wrote: what is wrong with a part
// of a url is wrong with the url, and what is refused by name is not missed by another one.
func asWritten(errs schema.Errors, doc any) (kept schema.Errors) {
	for _, e := range errs {
		missing := e.Message == "required field missing"
		n := len(e.Path)
		for _, rule := range instead {
			if n < 3 || e.Path[n-1] != rule.field || e.Path[n-3] != rule.kind {
				continue
			}
			entity, _ := e.Path[:n-1].In(doc).(map[string]any)
			refused := slices.ContainsFunc(rule.others, func(other string) bool { return refuses(errs, e.Path[:n-1].At(other)) })
			switch {
			case missing && refused:
				e.Message = ""
			case rule.kind == "services" && entity["url"] != nil && !refused:
				e.Path = e.Path[:n-1].At("url")
			case missing && rule.field == "paths" && (entity["methods"] != nil || entity["headers"] != nil):
				e.Message = onePath
			}
		}
		if e.Message != "" {
			kept = append(kept, e)
		}
	}
	return kept
}

// refuses reports whether something is wrong with the field at that path.
func refuses(errs schema.Errors, path schema.Path) bool {
	return slices.ContainsFunc(errs, func(e schema.Error) bool { return slices.Equal(e.Path, path) })
}
