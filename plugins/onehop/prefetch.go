package onehop

import (
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Prefetch declares what the plugin asks Kong in nearly every event, its sections
// included. The rewrite phase has one read, but where spans tell of headers.
func (c *Config) Prefetch(phase string) [][2]string {
	h := c.prepared()
	switch phase {
	case "access":
		return h.prefetchAccess(c.forAll(), c.RouteID != "")
	case "rewrite":
		return h.sectionReads(phase, sectionTrace, sectionVersion)
	case "log":
		return h.prefetchLog()
	}
	return nil
}

// prefetchAccess declares what readAccess reads. A configuration that is for all
// requests has a rewrite phase, which may have put the request in a trace; one of a route
// remembers that route.
func (h *hop) prefetchAccess(everywhere, ofRoute bool) (reads [][2]string) {
	o := h.runtime.options
	rewritten := everywhere && (h.scrub != nil || h.trace != nil)
	if rewritten && !o.AccessLines {
		reads = append(reads, kongrequest.ReadShared(sharedKey))
	}
	if o.AccessLines && h.mayWantEnd() {
		reads = append(reads, kongrequest.ReadVars, kongrequest.ReadToken, kongrequest.ReadCredential, kongrequest.ReadConsumer, kongrequest.ReadRoute)
	}
	if h.scrub != nil && !o.NoLogPlugins || h.trace != nil {
		reads = append(reads, kongrequest.ReadVars)
	}
	reads = append(reads, h.sectionReads("access", sectionTrace, sectionLimit, sectionSunset)...)
	return slices.DeleteFunc(reads, func(read [2]string) bool { return ofRoute && read == kongrequest.ReadRoute })
}

// prefetchLog leaves out the token where Kong's record may say that there is none.
func (h *hop) prefetchLog() [][2]string {
	reads := h.sectionReads("log", sectionTrace)
	if !h.audits() {
		return reads
	}
	reads = append(reads, kongrequest.ReadRecord)
	if !h.runtime.options.NoLogPlugins || h.limit == nil {
		reads = append(reads, kongrequest.ReadToken)
	}
	return reads
}

// sectionReads are what some sections declare, those of them that run.
func (h *hop) sectionReads(phase string, names ...string) (reads [][2]string) {
	for _, s := range h.sections {
		if slices.Contains(names, s.name) {
			reads = append(reads, s.config.Prefetch(phase)...)
		}
	}
	return reads
}
