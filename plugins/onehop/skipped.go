package onehop

// Skipped counts the audit record of a request whose log phase the plugin server did not
// run, since too many were under way or hung.
func (c *Config) Skipped(phase string) {
	if h := c.prepared(); phase == "log" && h.scrub != nil {
		h.scrub.Lost()
	}
}
