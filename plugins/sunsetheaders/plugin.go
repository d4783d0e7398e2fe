package sunsetheaders

import (
	"fmt"
	"strings"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
)

// Access announces the version's end on the response, or makes the response.
func (c *Config) Access(kong *pdk.PDK) {
	caller, err := c.caller(kong)
	if err != nil {
		c.runtime.logger.Warn("identify caller", "error", err)
		return
	}
	d := c.Decide(caller)
	if d.Refusal != nil {
		kong.Response.Exit(d.Refusal.Status, d.Refusal.Body, d.Refusal.Headers)
		return
	}
	if err := kong.Response.SetHeaders(d.Headers); err != nil {
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

func (c *Config) caller(kong *pdk.PDK) (Caller, error) {
	consumer, err := kong.Client.GetConsumer()
	if err != nil {
		return Caller{}, fmt.Errorf("read consumer: %w", err)
	}
	route, err := kong.Router.GetRoute()
	if err != nil {
		return Caller{}, fmt.Errorf("read route: %w", err)
	}
	caller := Caller{
		Username: consumer.Username, CustomID: consumer.CustomId, ID: consumer.Id,
		Route: firstOf(route.Name, route.Id),
	}
	if !c.NeedsRest() {
		return caller, nil
	}
	// Kong sends the path decoded, and go-pdk's own method fails on what is
	// not UTF-8.
	path := new(kong_plugin_protocol.ByteString)
	if err := kong.Request.Ask("kong.request.get_path", nil, path); err != nil {
		return Caller{}, fmt.Errorf("read path: %w", err)
	}
	caller.Rest = restOf(string(path.V), route)
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
