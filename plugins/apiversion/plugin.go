package apiversion

import (
	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// Rewrite chooses the version, before Kong looks for a route.
func (c *Config) Rewrite(kong *pdk.PDK) {
	chooser := c.Chooser()
	asked, err := chooser.Read(c.runtime.source.Open(kong))
	if err != nil {
		c.runtime.logger.Warn("read what the client accepts", "error", err)
		return
	}
	if asked == nil {
		return
	}
	d := chooser.Decide(*asked)
	if err := kongwrite.SetLogFields(kong, kongwrite.Decided(Name, d.Word)); err != nil {
		c.runtime.logger.Warn("say what was decided", "error", err)
		return
	}
	if d.Refusal != nil {
		kong.Response.Exit(d.Refusal.Status, d.Refusal.Body, d.Response)
		return
	}
	if err := kongwrite.SetHeaders(kong, d.Response, d.Upstream); err != nil {
		c.runtime.logger.Warn("set the version", "error", err)
	}
}

// Prefetch declares what every event reads. What a client accepts is read of requests to
// an API that has versions, and of no other.
func (c *Config) Prefetch(phase string) (reads [][2]string) {
	if phase != "rewrite" {
		return nil
	}
	reads = append(reads, kongrequest.ReadPath)
	if c.Chooser().byHost {
		reads = append(reads, kongrequest.ReadVars)
	}
	return reads
}
