package onehop

import pdk "github.com/Kong/go-pdk"

// Log writes the audit record and exports the span, both from one record of
// Kong's, which is not asked for where neither is wanted.
func (c *Config) Log(kong *pdk.PDK) {
	h := c.prepared()
	e := h.runtime.source.Open(kong)
	h.finishAudit(e)
	h.finishTrace(e)
}
