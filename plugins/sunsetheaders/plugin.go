package sunsetheaders

import (
	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// Access announces the version's end on the response, or makes the response.
func (c *Config) Access(kong *pdk.PDK) {
	announcer := c.Announcer()
	caller, err := announcer.Read(c.runtime.source.OpenOn(kong, c.RouteID))
	if err != nil {
		c.runtime.logger.Warn("identify caller", "error", err)
		return
	}
	d := announcer.Decide(caller)
	if err := kongwrite.SetLogFields(kong, kongwrite.Decided(Name, string(d.Stage))); err != nil {
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
