package piilogscrub

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what the plugin asks Kong in nearly every event. The rewrite
// phase runs before the access phase where the configuration is for all requests.
func (c *Config) Prefetch(phase string) [][2]string {
	everywhere := c.RouteID == "" && c.ServiceID == "" && c.ConsumerID == ""
	switch {
	case phase == "access" && everywhere:
		return [][2]string{kongrequest.ReadShared(sharedKey), kongrequest.ReadVars}
	case phase == "log" && c.Scrubber().Audits():
		return [][2]string{kongrequest.ReadRecord, kongrequest.ReadToken}
	}
	return nil
}
