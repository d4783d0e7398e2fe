package onehop

import (
	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Log writes the audit record and exports the span, both from one record of
// Kong's, which is not asked for where neither is wanted.
func (c *Config) Log(kong *pdk.PDK) {
	h := c.prepared()
	e := h.runtime.source.Open(kong)
	h.finishAudit(e)
	h.finishTrace(e)
}

// finishTrace exports the span in the log phase.
func (h *hop) finishTrace(e *kongrequest.Event) {
	if h.trace != nil {
		_ = h.runtime.part(sectionTrace, func() error { return h.trace.Finish(e) })
	}
}
