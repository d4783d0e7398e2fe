package sunsetheaders

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what [Announcer.Read] asks Kong. The credential is asked for only
// where there is a consumer; versions with an end have callers who are known.
func (c *Config) Prefetch(phase string) (reads [][2]string) {
	if phase != "access" {
		return nil
	}
	if c.RouteID == "" {
		reads = append(reads, kongrequest.ReadRoute)
	}
	reads = append(reads, kongrequest.ReadConsumer, kongrequest.ReadCredential)
	if c.Announcer().recorder != nil {
		reads = append(reads, kongrequest.ReadToken, kongrequest.ReadHeader(userAgent))
	}
	if c.Announcer().plan.NeedsRest() {
		reads = append(reads, kongrequest.ReadPath)
	}
	return reads
}
