package negotiation

import (
	"slices"
	"strings"
)

// Scope is which requests an API is asked by.
type Scope struct {
	// Path begins the paths of its requests, as it begins those of a route in Kong.
	Path string
	// Hosts are those that it is at, in lower case, *.example.com for all below one; all
	// hosts if there is none.
	Hosts []string
}

// Holds reports whether a request is one of the API's. The host is in lower case and
// without its port, the path as Kong routes by it.
func (s Scope) Holds(host, path string) bool {
	return strings.HasPrefix(path, s.Path) && (len(s.Hosts) == 0 || slices.ContainsFunc(s.Hosts, func(of string) bool {
		below, wild := strings.CutPrefix(of, "*")
		return of == host || wild && strings.HasSuffix(host, below) && len(host) > len(below)
	}))
}

// Before orders scopes: of those that hold a request the first counts, which is the one
// with hosts, and then the one with the longest path.
func (s Scope) Before(other Scope) int {
	if some, others := len(s.Hosts) > 0, len(other.Hosts) > 0; some != others {
		if some {
			return -1
		}
		return 1
	}
	return len(other.Path) - len(s.Path)
}
