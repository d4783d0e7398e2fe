package piilogscrub

// Skipped counts the audit record of a request whose log phase the plugin server did not
// run, since too many were under way or hung.
func (c *Config) Skipped(phase string) {
	if phase == "log" {
		c.Scrubber().Lost()
	}
}

// Lost counts an audit record that there is to be, and that nobody can write.
func (s *Scrubber) Lost() {
	if s.audits {
		s.runtime.metrics.audits.WithLabelValues("failed").Inc()
	}
}
