package lifecycle

import (
	"net/http"
	"slices"
	"strings"
)

// redirectable reports whether a request may be sent to the successor: its method is one of
// those that mean the same there, and the successor names the resource that was asked for.
func (p *Plan) redirectable(c *Caller) bool {
	return p.AfterSunset == AfterSunsetRedirect && p.Successor != "" &&
		slices.Contains(p.RedirectMethods, c.Method) && p.namesResource(c) &&
		expand(p.Successor, c.Rest) != c.Path // which would come back for ever
}

// namesResource reports whether the successor is the caller's resource in the next version,
// and not a collection that it is in.
func (p *Plan) namesResource(c *Caller) bool {
	switch {
	case !c.RestKnown:
		return false
	case strings.Contains(p.Successor, RestVariable):
		return c.Rest == "" || strings.HasPrefix(c.Rest, "/")
	}
	return c.Rest == "" || c.Rest == "/"
}

// redirect answers with 308, which keeps method and body (RFC 9110 section 15.4.9). No
// cache may keep it: another caller may be exempt.
func (p *Plan) redirect(headers map[string][]string, c *Caller) *Refusal {
	location := expand(p.Successor, c.Rest)
	if c.Query != "" {
		location += "?" + encode(c.Query, "#")
	}
	return &Refusal{
		Status:  http.StatusPermanentRedirect,
		Headers: withHeaders(headers, "Location", location, "Cache-Control", "no-store"),
	}
}
