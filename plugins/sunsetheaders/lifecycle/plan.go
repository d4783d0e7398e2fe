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
	StageRedirected Stage = "redirected" // past its end, and sent to the successor
	StageDegraded   Stage = "degraded"   // its config has a mistake in it: it goes on, with what is certain

	// In a dry run, what would have been.
	StageDryBrownout   Stage = "dry-run-brownout"
	StageDryGone       Stage = "dry-run-gone"
	StageDryRedirected Stage = "dry-run-redirected"
)

// dry is what a dry run says in place of the stages that refuse.
var dry = map[Stage]Stage{StageBrownout: StageDryBrownout, StageGone: StageDryGone, StageRedirected: StageDryRedirected}

// Window is a time span; End is not part of it.
type Window struct {
	Start, End time.Time
}

func (w *Window) holds(now time.Time) bool { return !now.Before(w.Start) && now.Before(w.End) }

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
	// AfterSunsetRedirect answers 308 to the successor where the request allows it, and
	// else 410.
	AfterSunsetRedirect AfterSunset = "redirect"
)

// Terms are how an API version comes to its end.
type Terms struct {
	// Deprecation and Sunset are zero if the version has none.
	Deprecation, Sunset time.Time
	AfterSunset         AfterSunset
	// Brownouts may overlap, and come in any order.
	Brownouts      []Window
	BrownoutStatus int
	// Ramps are brownouts of a growing share of calls.
	Ramps []Ramp
	// RedirectMethods are the methods that mean the same at the successor.
	RedirectMethods []string
	// DryRun says that nobody is refused, and what would have been is told.
	DryRun bool
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
	// At is when the request was read, by which all is decided.
	At time.Time
	// Username, CustomID and ID are those of the authenticated consumer.
	Username, CustomID, ID string
	// Route is the matched route's name, or its id.
	Route string
	// Tenant and UserAgent decide nothing: they are for the record of who calls.
	Tenant, UserAgent string
	// Rest is what follows the route's path in the request's path, and RestKnown says
	// whether that can be told. They are needed if Plan.NeedsRest, or as Needs says.
	Rest      string
	RestKnown bool
	// What else [Plan.Needs] may ask for: the method, whether the request is a CORS
	// preflight, the client's address, the path, and the query without its question mark.
	Method    string
	Preflight bool
	Address   string
	Path      string
	Query     string
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

// Needs are what has to be known of a request besides its caller. Each costs the gateway.
type Needs struct {
	Method  bool // and whether it is a preflight
	Address bool // of a caller without a name
	Target  bool // the path, what of it is the rest, and the query
}

// Needs says what has to be known of a request that arrives at now: nothing for as long as
// all go on.
func (p *Plan) Needs(now time.Time) (n Needs) {
	if p.Degraded {
		return n
	}
	redirects := p.AfterSunset == AfterSunsetRedirect
	if p.ended(now) {
		return Needs{Method: redirects, Target: redirects}
	}
	for i := range p.Ramps {
		n.Address = n.Address || p.Ramps[i].holds(now)
	}
	_, off := p.windowAt(now)
	n.Method = off || n.Address
	n.Target = n.Method && redirects // who is sent on after the end is told to come back then
	return n
}

// Decide says what becomes of a request that arrives at now.
func (p *Plan) Decide(now time.Time, caller Caller) Decision {
	until, sunset := p.exemptUntil(&caller), p.EndFor(&caller)
	d := Decision{Headers: p.headers}
	if p.needsRest || !sunset.Equal(p.Sunset) {
		d.Headers = p.headersFor(sunset, caller.Rest)
	}
	if p.Degraded {
		d.Stage = StageDegraded
		return d
	}
	d.Stage = p.stage(now, until, &caller)
	if would, refuses := dry[d.Stage]; refuses && p.DryRun {
		d.Stage = would
		return d
	}
	switch d.Stage {
	case StageGone:
		d.Refusal = p.gone(d.Headers, sunset, &caller)
	case StageRedirected:
		d.Refusal = p.redirect(d.Headers, &caller)
	case StageBrownout:
		d.Refusal = p.brownout(d.Headers, now, &caller)
	}
	return d
}

// EndFor is when the version ends for a caller: an exemption has an end of its own. It is
// zero if it does not end.
func (p *Plan) EndFor(c *Caller) time.Time {
	if until := p.exemptUntil(c); !p.Sunset.IsZero() && until.After(p.Sunset) {
		return until
	}
	return p.Sunset
}

func (p *Plan) ended(now time.Time) bool { return !p.Sunset.IsZero() && !now.Before(p.Sunset) }

// stage depends on nothing that was before now: a clock may jump.
func (p *Plan) stage(now, until time.Time, c *Caller) Stage {
	ended := p.ended(now)
	off := !ended && p.off(now, c)
	switch {
	case ended && p.AfterSunset == AfterSunsetWarn:
		return StageOverdue
	case (ended || off) && now.Before(until):
		return StageExempt
	case ended && p.redirectable(c):
		return StageRedirected
	case ended:
		return StageGone
	case off && !c.spared():
		return StageBrownout
	case now.Before(p.Deprecation):
		return StageAnnounced
	}
	return StageDeprecated
}

// off reports whether a brownout takes a caller in.
func (p *Plan) off(now time.Time, c *Caller) bool {
	_, off := p.windowAt(now)
	return off || p.rampOff(now, c)
}

// spared reports whether no brownout takes the request in: health checks are HEAD as often
// as not, and of a preflight that fails a browser tells its script nothing.
func (c *Caller) spared() bool { return c.Method == http.MethodHead || c.Preflight }

// windowAt is the brownout at now.
func (p *Plan) windowAt(now time.Time) (Window, bool) {
	// The first that begins after now; before it is the last that does not.
	i, _ := slices.BinarySearchFunc(p.Brownouts, now, func(w Window, now time.Time) int {
		if w.Start.After(now) {
			return 1
		}
		return -1
	})
	if i == 0 || !p.Brownouts[i-1].holds(now) {
		return Window{}, false
	}
	return p.Brownouts[i-1], true
}

// exemptUntil is zero if the caller is not exempt. Of several exemptions that
// fit one caller the longest counts.
func (p *Plan) exemptUntil(c *Caller) time.Time {
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
