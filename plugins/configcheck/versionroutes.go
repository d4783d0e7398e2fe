package configcheck

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// leads reports whether requests of an API that get a version may meet a route.
func (n negotiation) leads(r gateway.Route, api versioned, version string) bool {
	values, demands := demanded(r, n.header)
	if !demands && n.forged(r, api) != "" {
		return false
	}
	return api.meets(r) && (!demands || matchesOne(values, version))
}

// matchesOne reports whether a header's value is one of those that a route matches on.
func matchesOne(values []string, value string) bool {
	return slices.ContainsFunc(values, func(of string) bool {
		if expression, ok := strings.CutPrefix(of, "~*"); ok {
			compiled, err := regexp.Compile("(?i)" + expression)
			return err != nil || compiled.MatchString(value) // what RE2 has not is taken to match
		}
		return strings.EqualFold(of, value)
	})
}

// forged is the header of a route that matches on one as if it were the plugin's, by its name
// or by versions of an API that it is at, and that no plugin writes. It is empty if there is
// none.
func (n negotiation) forged(r gateway.Route, apis ...versioned) string {
	headers := gateway.Map(r.Fields["headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		values := gateway.Strings(headers[name])
		versions := len(values) > 0 && slices.ContainsFunc(apis, func(api versioned) bool {
			return api.meets(r) && !slices.ContainsFunc(values, func(value string) bool { return !slices.Contains(api.versions, value) })
		})
		if !slices.Contains(n.written, headerKey(name)) && (versions || headerKey(name) == headerKey(routeHeader)) {
			return name
		}
	}
	return ""
}

// headerKey is what two spellings of one header have in common for Kong's router.
func headerKey(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "-")) }

// open is a path of a route, with its host, at which requests are of no API; empty if there
// is none. What an expression matches is not known.
func (n negotiation) open(r gateway.Route) string {
	hosts := gateway.Strings(r.Fields["hosts"])
	for _, path := range orAll(gateway.Strings(r.Fields["paths"]), "/") {
		for _, host := range orAll(hosts, "") {
			if !strings.HasPrefix(path, "~") && !slices.ContainsFunc(n.apis, func(api versioned) bool { return api.holds(host, path) }) {
				return host + path
			}
		}
	}
	return ""
}

// orAll is a list, or what an empty one stands for.
func orAll(list []string, all string) []string {
	if len(list) == 0 {
		return []string{all}
	}
	return list
}

// holds reports whether all requests of a route's path and host are the API's; an empty host
// is any.
func (v versioned) holds(host, path string) bool {
	return strings.HasPrefix(path, v.path) && (len(v.hosts) == 0 || host != "" && slices.ContainsFunc(v.hosts, func(of string) bool { return ofHost(of, withoutPort(host)) }))
}

func withoutPort(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	return host
}

// meets reports whether a request of the API may be one of a route's.
func (v versioned) meets(r gateway.Route) bool {
	paths, hosts := gateway.Strings(r.Fields["paths"]), gateway.Strings(r.Fields["hosts"])
	return (len(paths) == 0 || slices.ContainsFunc(paths, func(of string) bool {
		return strings.HasPrefix(of, "~") || strings.HasPrefix(of, v.path) || strings.HasPrefix(v.path, of)
	})) && (len(hosts) == 0 || len(v.hosts) == 0 || slices.ContainsFunc(hosts, func(host string) bool {
		return slices.ContainsFunc(v.hosts, func(of string) bool { return ofHost(of, withoutPort(host)) || ofHost(host, withoutPort(of)) })
	}))
}

// whole reports whether a route may take all of the API's paths, exactly whether it is for
// these alone.
func (v versioned) whole(r gateway.Route) bool {
	paths := gateway.Strings(r.Fields["paths"])
	return len(paths) == 0 || slices.ContainsFunc(paths, func(of string) bool {
		return strings.HasPrefix(of, "~") || strings.HasPrefix(v.path, of)
	})
}

func (v versioned) exactly(r gateway.Route) bool {
	return slices.Contains(gateway.Strings(r.Fields["paths"]), v.path)
}

// demanded are the values of a header that a route matches on; ok is false if it does not.
func demanded(r gateway.Route, header string) (values []string, ok bool) {
	for name, list := range gateway.Map(r.Fields["headers"]) {
		if headerKey(name) == headerKey(header) {
			return gateway.Strings(list), true
		}
	}
	return nil, false
}
