package onehop

import (
	"maps"
	"strings"
)

// headers are the changes that the sections make, towards the service and towards
// the client. Of two that set one header the later counts, as it does where each
// plugin sets its own. A name without values is to be removed.
type headers struct{ upstream, client map[string][]string }

// merge adds a section's changes.
func (h *headers) merge(upstream, client map[string][]string) {
	h.upstream = merged(h.upstream, upstream)
	h.client = merged(h.client, client)
}

// merged is a with b's headers in it, whatever the case of their names: Kong sets
// the headers of a table in no order.
func merged(a, b map[string][]string) map[string][]string {
	if len(a) == 0 {
		return maps.Clone(b) // which may be shared with other events
	}
	maps.DeleteFunc(a, func(name string, _ []string) bool { return holds(b, name) })
	maps.Copy(a, b)
	return a
}

func holds(h map[string][]string, name string) bool {
	for other := range h {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}
