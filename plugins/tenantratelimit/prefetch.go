package tenantratelimit

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what [Config.Read] asks Kong in nearly every access event. Groups,
// and what only anonymous requests need, are asked for when they are wanted.
func (c *Config) Prefetch(phase string) (reads [][2]string) {
	if phase != "access" {
		return nil
	}
	n := c.compiled.needs
	reads = append(reads, kongrequest.ReadToken)
	if (n.route || n.service) && c.RouteID == "" {
		reads = append(reads, kongrequest.ReadRoute)
	}
	if n.method || n.ip {
		reads = append(reads, kongrequest.ReadVars)
	}
	if n.consumer {
		reads = append(reads, kongrequest.ReadConsumer, kongrequest.ReadCredential)
	}
	for _, name := range n.headers {
		reads = append(reads, kongrequest.ReadHeader(name))
	}
	return reads
}
