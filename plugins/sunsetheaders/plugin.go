package sunsetheaders

import (
	"cmp"
	"strings"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// Access announces the version's end on the response, or makes the response.
func (c *Config) Access(kong *pdk.PDK) {
	caller, err := c.Read(c.runtime.source.OpenOn(kong, c.RouteID))
	if err != nil {
		c.runtime.logger.Warn("identify caller", "error", err)
		return
	}
	d := c.Decide(caller)
	if err := kongwrite.SetLogFields(kong, kongrecord.Decided(Name, string(d.Stage))); err != nil {
		c.runtime.logger.Warn("say what was decided", "error", err)
		return
	}
	if d.Refusal != nil {
		kong.Response.Exit(d.Refusal.Status, d.Refusal.Body, d.Refusal.Headers)
		return
	}
	if err := kongwrite.SetResponseHeaders(kong, d.Headers); err != nil {
		c.runtime.logger.Warn("set response headers", "error", err)
	}
}

// Decide says what becomes of a request that arrives now, and counts it. It
// does no I/O.
func (c *Config) Decide(caller Caller) Decision {
	now := c.runtime.now()
	d := c.plan.Decide(now, caller)
	c.runtime.seen(now, caller, d.Stage)
	return d
}

// NeedsRest reports whether Decide needs Caller.Rest.
func (c *Config) NeedsRest() bool { return c.plan.NeedsRest() }

// Read asks Kong for what [Config.Decide] needs.
func (c *Config) Read(e *kongrequest.Event) (Caller, error) {
	route, err := e.Route()
	if err != nil {
		return Caller{}, err
	}
	var who identity.Evidence
	if err := e.ReadConsumer(&who); err != nil {
		return Caller{}, err
	}
	holder := who.Holder()
	caller := Caller{
		Username: holder.Username, CustomID: holder.CustomID, ID: holder.ID,
		Route: cmp.Or(route.Name, route.Id),
	}
	if !c.NeedsRest() {
		return caller, nil
	}
	path, err := e.Path()
	if err != nil {
		return Caller{}, err
	}
	caller.Rest = restOf(path, route)
	return caller, nil
}

// restOf is what follows the longest of the route's path prefixes in path, with
// its slash. It is empty if no prefix fits, as with a regular expression.
func restOf(path string, route entities.Route) string {
	matched := ""
	for _, prefix := range route.Paths {
		if len(prefix) > len(matched) && strings.HasPrefix(path, prefix) {
			matched = prefix
		}
	}
	if matched == "" {
		return ""
	}
	return path[len(strings.TrimSuffix(matched, "/")):]
}
