package onehop

import (
	"strings"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
)

// checkHeaders leaves out the response headers of the audit record where they cannot be
// known.
func (h *hop) checkHeaders(scrub *piilogscrub.Config) error {
	if scrub == nil || !h.runtime.options.AccessLines || len(scrub.ResponseHeaders) == 0 {
		return nil
	}
	scrub.ResponseHeaders = nil
	h.mistakes[headersOfScrub] = errNoHeaders
	return prefixed(sectionScrub, errNoHeaders)
}

// headersOfScrub names a mistake that the scrubber itself does not know of, and which
// does not degrade it.
const headersOfScrub = sectionScrub + ".response_headers"

// decideScrubDegraded notes that the section is not as it is written. A scrubber that
// drops texts says so itself.
func (ev *event) decideScrubDegraded() {
	if ev.hop.mistakes[headersOfScrub] != nil && ev.hop.mistakes[sectionScrub] == nil {
		ev.request.decide(piilogscrub.Name, kongrecord.Degraded)
	}
}

// writeScrubbed is pii-log-scrub's part of an event: it replaces what log plugins would
// write of the request. It handles its own errors; after a panic log plugins are left
// nothing to write.
func (ev *event) writeScrubbed(rewrite bool) {
	scrub := ev.hop.scrub
	if scrub == nil || ev.hop.runtime.options.NoLogPlugins {
		return
	}
	err := ev.part(sectionScrub, func() error {
		if rewrite {
			scrub.Rewrite(ev.kong)
		} else {
			scrub.Access(ev.kong, strings.Contains(ev.rewritten.ran, sectionScrub))
		}
		return nil
	})
	if err != nil {
		scrub.Failed(ev.kong.Kong(), err)
	}
}

// scrubFailed drops the texts of a request whose event was cut off.
func (h *hop) scrubFailed(kong *pdk.PDK, err error) {
	if h.scrub != nil {
		h.scrub.Failed(kong, err)
	}
}

// audits reports whether there is an audit record of each request.
func (h *hop) audits() bool { return h.scrub != nil && h.scrub.Audits() }

// finishAudit writes the audit record in the log phase.
func (h *hop) finishAudit(e *kongrequest.Event) {
	if h.scrub != nil {
		_ = h.runtime.part(sectionScrub, func() error { h.scrub.Log(e); return nil })
	}
}
