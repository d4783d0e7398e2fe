package lifecycle

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Stage is where an API version is in its life, as one caller finds it; it is
// a metric label.
type Stage string

// The stages of a version that is going to end.
const (
	StageAnnounced  Stage = "announced"  // the deprecation lies ahead
	StageDeprecated Stage = "deprecated" // it goes on, with headers
	StageBrownout   Stage = "brownout"   // switched off for a while
	StageExempt     Stage = "exempt"     // goes on, for this caller only
	StageOverdue    Stage = "overdue"    // past its end, and goes on for all
	StageGone       Stage = "gone"       // past its end
	StageDegraded   Stage = "degraded"   // its config has a mistake in it: it goes on, with what is certain
)

// Window is a time span; End is not part of it.
type Window struct {
	Start, End time.Time
}

// mergeWindows sorts windows and joins those that overlap or touch, so that
// Retry-After never points into the next one.
func mergeWindows(windows []Window) []Window {
	slices.SortFunc(windows, func(a, b Window) int { return a.Start.Compare(b.Start) })
	var merged []Window
	for _, w := range windows {
		last := len(merged) - 1
		if last < 0 || w.Start.After(merged[last].End) {
			merged = append(merged, w)
		} else if w.End.After(merged[last].End) {
			merged[last].End = w.End
		}
	}
	return merged
}

// AfterSunset says what a version does once its end has come.
type AfterSunset string

// The choices for the time after the end.
const (
	// AfterSunsetGone answers 410.
	AfterSunsetGone AfterSunset = "gone"
	// AfterSunsetWarn goes on, with the headers.
	AfterSunsetWarn AfterSunset = "warn"
)

// Terms are how an API version comes to its end.
type Terms struct {
	// Deprecation and Sunset are zero if the version has none.
	Deprecation, Sunset time.Time
	AfterSunset         AfterSunset
	// Brownouts may overlap, and come in any order.
	Brownouts      []Window
	BrownoutStatus int
	// Successor is the next version, and may hold [RestVariable]; Documentation and
	// SunsetDocumentation are about the two dates, and Policy stands in for either.
	// All are references ([IsReference], [IsTemplate]), or empty.
	Successor, Documentation, SunsetDocumentation, Policy string
	// Exemptions are by username, custom_id or id of a consumer.
	Exemptions map[string]time.Time
	// Degraded says that there was a mistake in what the operator wrote: nobody is
	// refused.
	Degraded bool
}

// Plan decides by terms. It is made by [New], and then only read.
type Plan struct {
	Terms
	links     []link
	needsRest bool
	headers   map[string][]string // for a caller without exemption, if !needsRest
}

// New prepares decisions by the terms.
func New(t Terms) *Plan {
	t.Brownouts = mergeWindows(t.Brownouts)
	p := &Plan{Terms: t, links: t.links()}
	p.needsRest = slices.ContainsFunc(p.links, func(l link) bool { return strings.Contains(l.target, RestVariable) })
	p.headers = p.headersFor(p.Sunset, "")
	return p
}

// Caller is who makes a request. The zero value is an anonymous caller.
type Caller struct {
	// Username, CustomID and ID are those of the authenticated consumer.
	Username, CustomID, ID string
	// Route is the matched route's name, or its id.
	Route string
	// Rest is what follows the route's path in the request's path. It is
	// needed only if Plan.NeedsRest.
	Rest string
}

// Name is what to call the caller: the name that Kong's operators gave it.
func (c Caller) Name() string {
	for _, name := range []string{c.Username, c.CustomID, c.ID} {
		if name != "" {
			return name
		}
	}
	return "anonymous"
}

// Decision is what becomes of one request. Its headers may be shared between
// decisions: do not change them.
type Decision struct {
	Stage Stage
	// Headers go on the response, whoever makes it.
	Headers map[string][]string
	// Refusal ends the request at the gateway; nil lets it go on.
	Refusal *Refusal
}

// NeedsRest reports whether the links depend on the request's path.
func (p *Plan) NeedsRest() bool { return p.needsRest }

// Decide says what becomes of a request that arrives at now.
func (p *Plan) Decide(now time.Time, caller Caller) Decision {
	until := p.exemptUntil(caller)
	sunset := p.Sunset
	if !sunset.IsZero() && until.After(sunset) {
		sunset = until // this caller's own end
	}
	d := Decision{Headers: p.headers}
	if p.needsRest || !sunset.Equal(p.Sunset) {
		d.Headers = p.headersFor(sunset, caller.Rest)
	}
	if p.Degraded {
		d.Stage = StageDegraded
		return d
	}
	var brownout Window
	d.Stage, brownout = p.stage(now, until)
	switch d.Stage {
	case StageGone:
		d.Refusal = p.gone(d.Headers, sunset, caller)
	case StageBrownout:
		d.Refusal = p.brownout(d.Headers, now, brownout, caller)
	}
	return d
}

func (p *Plan) stage(now, until time.Time) (Stage, Window) {
	ended := !p.Sunset.IsZero() && !now.Before(p.Sunset)
	brownout, off := p.brownoutAt(now)
	exempt := now.Before(until)
	switch {
	case ended && p.AfterSunset == AfterSunsetWarn:
		return StageOverdue, Window{}
	case (ended || off) && exempt:
		return StageExempt, Window{}
	case ended:
		return StageGone, Window{}
	case off:
		return StageBrownout, brownout
	case now.Before(p.Deprecation):
		return StageAnnounced, Window{}
	}
	return StageDeprecated, Window{}
}

func (p *Plan) brownoutAt(now time.Time) (Window, bool) {
	for _, w := range p.Brownouts {
		if !now.Before(w.Start) && now.Before(w.End) {
			return w, true
		}
	}
	return Window{}, false
}

// exemptUntil is zero if the caller is not exempt. Of several exemptions that
// fit one caller the longest counts.
func (p *Plan) exemptUntil(c Caller) time.Time {
	var until time.Time
	for _, identity := range []string{c.Username, c.CustomID, c.ID} {
		if t, ok := p.Exemptions[identity]; ok && t.After(until) {
			until = t
		}
	}
	return until
}

func (p *Plan) headersFor(sunset time.Time, rest string) map[string][]string {
	headers := make(map[string][]string, 3)
	if !p.Deprecation.IsZero() {
		headers["Deprecation"] = []string{structuredDate(p.Deprecation)}
	}
	if !sunset.IsZero() {
		headers["Sunset"] = []string{httpDate(sunset)}
	}
	if len(p.links) > 0 {
		headers["Link"] = []string{linkHeader(p.links, rest)}
	}
	return headers
}

// link is the target with a relation, or empty.
func (p *Plan) link(relation, rest string) string {
	for _, l := range p.links {
		if slices.Contains(l.relations, relation) {
			return expand(l.target, rest)
		}
	}
	return ""
}

// withHeaders is headers and more besides, as a map of its own.
func withHeaders(headers map[string][]string, more ...string) map[string][]string {
	all := make(map[string][]string, len(headers)+len(more)/2)
	for name, values := range headers {
		all[name] = values
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[http.CanonicalHeaderKey(more[i])] = []string{more[i+1]}
	}
	return all
}
