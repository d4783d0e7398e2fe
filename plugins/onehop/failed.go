package onehop

import pdk "github.com/Kong/go-pdk"

// The phases in which an event need not be answered, as Kong numbers them in
// ngx.ctx.KONG_PHASE (kong/pdk/private/phases.lua).
const (
	phaseRewrite = 0x10
	phaseLog     = 0x2000
)

// Failed is for an event that was cut off at its deadline, or panicked outside the
// sections: each section's declared direction applies. The limiter's is to decide
// as if Redis did not answer.
func (c *Config) Failed(kong *pdk.PDK, err error) {
	h := c.prepared()
	h.runtime.report(sectionEvent, err)
	phase, _ := kong.Nginx.GetCtxInt("KONG_PHASE") // unreadable: as if in access
	if phase == phaseLog {
		return
	}
	h.scrubFailed(kong, err)
	if phase != phaseRewrite {
		h.limitFailed(kong, err)
	}
}
