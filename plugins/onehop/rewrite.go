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
	if h.scrub == nil && h.trace == nil && h.version == nil {
		return
	}
	ev := h.open(h.runtime.source.Open(kong))
	ev.readRewrite()
	ev.decideRewrite()
	ev.writeLogFields(kongrecord.RewriteBundle)
	if ev.request.ran != "" {
		h.runtime.rewrites.Store(true)
		ev.keepInFlight()
		ev.shareRewrite()
	}
	ev.answerRewrite()
}

func (ev *event) readRewrite() {
	ev.readKept(true)
	ev.readTrace()
	ev.readVersion()
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
	ev.refusal = ev.decideVersion()
}

// shareRewrite tells the access phase what this one did, since that may be another
// process's or another configuration's.
func (ev *event) shareRewrite() {
	_ = ev.part(sectionEvent, func() error { return ev.kong.Kong().Ctx.SetShared(sharedKey, ev.request.ran) })
}

// answerRewrite sets the client's trace and the version that routes match on, or answers.
func (ev *event) answerRewrite() {
	kong := ev.kong.Kong()
	if r := ev.refusal; r != nil {
		kong.Response.Exit(r.status, r.body, ev.headers.client)
		return
	}
	_ = ev.part(sectionEvent, func() error { return kongwrite.SetHeaders(kong, ev.headers.client, ev.headers.upstream) })
}
