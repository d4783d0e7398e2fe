package onehop

import (
	"strings"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// Rewrite runs what needs neither a route nor an identity. Kong calls it where
// the plugin is enabled globally, for every request, those that it refuses before
// the access phase included.
func (c *Config) Rewrite(kong *pdk.PDK) {
	h := c.prepared()
	h.runtime.heard(h)
	if h.scrub == nil && h.trace == nil {
		return
	}
	h.runtime.rewrites.Store(true)
	ev := h.open(h.runtime.source.Open(kong))
	ev.readRewrite()
	ev.decideRewrite()
	ev.writeLogFields(kongrecord.RewriteBundle)
	if ev.request.ran != "" {
		ev.keepInFlight()
	}
	ev.writeRewrite()
}

func (ev *event) readRewrite() {
	ev.readKept(true)
	ev.readTrace()
}

func (ev *event) decideRewrite() {
	ev.decideDegraded()
	ev.injectTrace((*traceinject.Tracer).Announce)
	var ran []string
	if ev.hop.scrub != nil {
		ran = append(ran, sectionScrub)
	}
	if ev.injection != nil {
		ran = append(ran, sectionTrace)
	}
	ev.request.ran = strings.Join(ran, ",")
}

// writeRewrite tells the access phase what this one did, since that may be another
// process's or another configuration's, and the client its trace.
func (ev *event) writeRewrite() {
	kong := ev.kong.Kong()
	_ = ev.part(sectionEvent, func() error {
		if err := kong.Ctx.SetShared(sharedKey, ev.request.ran); err != nil {
			return err
		}
		return kongwrite.SetHeaders(kong, ev.headers.client, nil)
	})
}
