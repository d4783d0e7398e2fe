package tenantratelimit

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what [Limiter.Read] asks Kong in nearly every access event. Groups,
// and what only anonymous requests need, are asked for when they are wanted.
func (c *Config) Prefetch(phase string) (reads [][2]string) {
	if phase != "access" {
		return nil
	}
	n := c.Limiter().needs
	reads = append(reads, kongrequest.ReadToken, kongrequest.ReadHeaders)
	if (n.Route || n.Service) && c.RouteID == "" {
		reads = append(reads, kongrequest.ReadRoute)
	}
	if n.Method || n.IP {
		reads = append(reads, kongrequest.ReadVars)
	}
	if n.Consumer {
		reads = append(reads, kongrequest.ReadConsumer, kongrequest.ReadCredential)
	}
	for _, name := range n.Headers {
		reads = append(reads, kongrequest.ReadHeader(name))
	}
	return reads
}
