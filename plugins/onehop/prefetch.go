package onehop

import (
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Prefetch declares what the plugin asks Kong in nearly every event, its sections
// included. The rewrite phase has one read that can be declared.
func (c *Config) Prefetch(phase string) [][2]string {
	switch phase {
	case "access":
		return c.prefetchAccess()
	case "log":
		return c.prefetchLog()
	}
	return nil
}

func (c *Config) prefetchAccess() (reads [][2]string) {
	o := c.runtime.options
	everywhere := c.RouteID == "" && c.ServiceID == "" && c.ConsumerID == ""
	rewritten := everywhere && (c.PIILogScrub != nil || c.TraceInject != nil)
	if rewritten && !o.AccessLines {
		reads = append(reads, kongrequest.ReadShared(sharedKey))
	}
	if o.AccessLines && c.mayWantEnd() {
		reads = append(reads, kongrequest.ReadVars, kongrequest.ReadToken, kongrequest.ReadCredential, kongrequest.ReadConsumer, kongrequest.ReadRoute)
	}
	if c.PIILogScrub != nil && !o.NoLogPlugins || c.TraceInject != nil && !rewritten {
		reads = append(reads, kongrequest.ReadVars)
	}
	if c.TenantRateLimit != nil {
		reads = append(reads, c.TenantRateLimit.Prefetch("access")...)
	}
	if c.SunsetHeaders != nil {
		reads = append(reads, c.SunsetHeaders.Prefetch("access")...)
	}
	return slices.DeleteFunc(reads, func(read [2]string) bool { return c.RouteID != "" && read == kongrequest.ReadRoute })
}

// prefetchLog leaves out the token where Kong's record may say that there is none.
func (c *Config) prefetchLog() (reads [][2]string) {
	if c.TraceInject != nil {
		reads = append(reads, c.TraceInject.Prefetch("log")...)
	}
	if c.PIILogScrub == nil || !c.PIILogScrub.Audits() {
		return reads
	}
	reads = append(reads, kongrequest.ReadRecord)
	if !c.runtime.options.NoLogPlugins || c.TenantRateLimit == nil {
		reads = append(reads, kongrequest.ReadToken)
	}
	return reads
}
