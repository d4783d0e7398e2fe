package hops

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Kind is what is wrong with a hop.
type Kind string

// What can be wrong.
const (
	// NotAnswered: there was no answer, or one that says that it failed.
	NotAnswered Kind = "not_answered"
	// NoCredential: the route could not be asked.
	NoCredential Kind = "no_credential"
	// OtherRoute: another route of the gateway's took the request.
	OtherRoute Kind = "other_route"
	// Drops: no span and no record of a hop is in any trace, or it got no context.
	Drops Kind = "drops"
	// Restarts: a hop began another trace.
	Restarts Kind = "restarts"
	// Rewrites: a hop goes on with the trace under a parent that nobody has.
	Rewrites Kind = "rewrites"
	// Leaks: a hop handed on the client's trace, which ends at the gateway.
	Leaks Kind = "leaks"
	// Silent: a hop handed the context on, and its own span is not there.
	Silent Kind = "silent"
	// Unsampled: the trace is not recorded, so that nobody can look at it.
	Unsampled Kind = "unsampled"
)

// Gateway is what findings call the gateway.
const Gateway = "gateway"

// Finding is what is wrong with a hop, in one line.
type Finding struct {
	Hop  string `json:"hop"`
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
	// TraceID is the other trace that it is about, if it is about one.
	TraceID string `json:"trace_id,omitempty"`
}

func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Hop, f.Kind, f.Text) }

// Call is a request as it was sent and answered.
type Call struct {
	Route, Service string
	// ClientTrace and ClientSpan are where the client said it was.
	ClientTrace, ClientSpan string
	// Trace is the one that the gateway put it in; empty if it said none.
	Trace string
	// Untraced are addresses, with a port or without, and services as Kong names them, of
	// whom there need be no spans.
	Untraced []string
	// Sent and Answered are by the client's clock.
	Sent, Answered time.Time
}

// continued reports whether the client's trace goes on.
func (c *Call) continued() bool { return c.Trace == c.ClientTrace }

// Evidence is what a trace backend has about a call.
type Evidence struct {
	// Trace are the spans of the trace that the gateway put the call in, and Client those
	// of the client's, if that is another one.
	Trace, Client []Span
	// Others are spans of other traces that began meanwhile, whoever's they are.
	Others []Span
}

// judge collects findings. A span that explains one is not used for another.
type judge struct {
	call     Call
	trace    *trace
	client   *trace
	others   *trace
	used     map[*Span]bool
	findings []Finding
}

// Judge says which hops did not take part in the trace as they should. An empty result is
// that the gateway's span and a span of everyone who was called are in one tree.
func Judge(c Call, e Evidence) []Finding {
	j := &judge{call: c, trace: newTrace(e.Trace), client: newTrace(e.Client), others: newTrace(e.Others), used: map[*Span]bool{}}
	if c.continued() {
		j.client = newTrace(nil)
	}
	gateway := j.gateway()
	j.strays(gateway)
	if gateway != nil {
		j.calls(gateway)
	}
	j.leftOver(gateway)
	return j.findings
}

func (j *judge) find(hop string, kind Kind, other, format string, args ...any) {
	j.findings = append(j.findings, Finding{clean(hop, nameWidth), kind, fmt.Sprintf(format, args...), other})
}

// gateway is the gateway's span, nil if it is not there.
func (j *judge) gateway() *Span {
	at := slices.IndexFunc(j.trace.spans, (*Span).IsGateway)
	switch {
	case j.call.Trace == "":
		return nil // what is wrong is known without spans
	case at < 0 && len(j.trace.spans) > 0:
		j.find(Gateway, Silent, "", "it handed on trace %s, and its own span is not there: look at OTEL_EXPORTER_OTLP_ENDPOINT of the plugin server and at gatehouse_trace_spans_total", j.call.Trace)
		return nil
	case at < 0:
		j.find(Gateway, Silent, "", "the trace backend has no span of trace %s: look at OTEL_EXPORTER_OTLP_ENDPOINT of the plugin server, at gatehouse_trace_spans_total, and whether this is the backend that it sends to", j.call.Trace)
		return nil
	}
	g := j.trace.spans[at]
	if took := g.Attributes[attrRoute]; took != "" && j.call.Route != "" && took != j.call.Route {
		j.find(Gateway, OtherRoute, "", "route %s took the request: name a path that is this route's alone with --path", clean(took, nameWidth))
	}
	if j.call.continued() && g.ParentID != j.call.ClientSpan {
		j.find(Gateway, Rewrites, "", "its span's parent is %q, and the client sent %s: something before the gateway writes another one", g.ParentID, j.call.ClientSpan)
	}
	return g
}

// strays are spans of the trace whose parent is not there.
func (j *judge) strays(gateway *Span) {
	for _, s := range j.trace.spans {
		switch {
		case s == gateway, j.trace.byID[s.ParentID] != nil:
		case gateway == nil && j.parentMayBeGateway(s):
		default:
			j.stray(s)
		}
	}
}

// parentMayBeGateway reports whether a span without a parent is explained by the gateway's
// that is not there: the first one is.
func (j *judge) parentMayBeGateway(s *Span) bool { return s == j.trace.spans[0] }

func (j *judge) stray(s *Span) {
	if caller := j.callerOf(s); caller != nil {
		j.used[caller] = true
		j.find("between "+name(caller)+" and "+s.Service, Rewrites, "", "%s has the trace, and as its parent %q, which is no span of %s: something between them writes another parent", clean(s.Service, nameWidth), s.ParentID, who(name(caller)))
		return
	}
	j.find("before "+s.Service, Silent, "", "the parent of its span, %q, is not there: who called it hands the context on, and sends no spans, or not to this backend", s.ParentID)
}

// callerOf is the call without an answering span that a span began in.
func (j *judge) callerOf(s *Span) *Span {
	for _, caller := range slices.Backward(j.trace.spans) {
		if j.unanswered(caller) && s.within(caller) && s != caller {
			return caller
		}
	}
	return nil
}

// unanswered reports whether a span is of a call that was answered, by somebody whose span
// is not there.
func (j *judge) unanswered(s *Span) bool {
	called := s.Kind == kindClient && cmp.Or(s.Attributes[attrStatus], s.Attributes[attrOldCode]) != "" || s.IsGateway() && s.Attributes[attrTries] != ""
	return called && len(j.trace.children[s.ID]) == 0 && !j.used[s]
}

// calls finds what became of each call that nobody's span answers.
func (j *judge) calls(gateway *Span) {
	for _, caller := range j.trace.spans {
		if !j.unanswered(caller) {
			continue
		}
		if leaked := j.began(j.client, caller, ""); leaked != nil {
			j.leak(name(caller), leaked)
			continue
		}
		if other := j.began(j.others, caller, j.call.Service); other != nil {
			j.used[other] = true
			j.find(other.Service, Restarts, other.TraceID, "it began trace %s in place of going on with %s's: it reads no context in the format that it gets (OTEL_PROPAGATORS), or %s sends it none", other.TraceID, who(name(caller)), who(name(caller)))
			continue
		}
		hop := caller.asks()
		if caller == gateway {
			hop = cmp.Or(j.call.Service, "the gateway's upstream")
		}
		if slices.Contains(j.call.Untraced, hop) || slices.Contains(j.call.Untraced, caller.Attributes[attrAddress]) {
			continue
		}
		j.find(hop, Drops, "", "%s called it, and no span of it arrived in any trace: it makes none, sends them elsewhere, or gets no context", who(name(caller)))
	}
}

// began is the first server span of other traces that answers a call: it began meanwhile,
// and not at another address than was asked. Of the gateway's it is the one of the service
// that the gateway asks, if that has the name which Kong knows it by.
func (j *judge) began(in *trace, caller *Span, preferred string) (found *Span) {
	for _, s := range in.spans {
		if j.used[s] || s.IsGateway() || s.Kind != kindServer || !s.within(caller) || in.byID[s.ParentID] != nil || !mayBe(caller, s) {
			continue
		}
		if preferred != "" && s.Service == preferred && caller.IsGateway() {
			return s
		}
		if found == nil {
			found = s
		}
	}
	return found
}

// mayBe reports whether a call may have come to a span: the gateway's says who asked it,
// and not whom it asks.
func mayBe(caller, s *Span) bool {
	asked, at := caller.asks(), s.asks()
	return caller.IsGateway() || asked == "" || at == "" || asked == at
}

// leak says that somebody handed on the client's trace.
func (j *judge) leak(hop string, s *Span) {
	j.used[s] = true
	j.find(hop, Leaks, s.TraceID, "%s joined the client's trace %s: %s hands on a header with it", clean(s.Service, nameWidth), s.TraceID, who(hop))
}

// leftOver are traces that nobody's call explains.
func (j *judge) leftOver(gateway *Span) {
	for _, s := range j.client.spans {
		if j.used[s] || j.client.byID[s.ParentID] != nil {
			continue
		}
		hop := Gateway
		if !s.IsGateway() && gateway != nil && len(j.trace.children[gateway.ID]) > 0 {
			hop = "before " + s.Service
		}
		j.leak(hop, s)
	}
	for _, s := range j.others.spans {
		if own := j.own(s); own != nil && !j.used[s] {
			j.find(s.Service, Restarts, s.TraceID, "it began trace %s for a call of its own while it served this request: it hands on no context from what it serves to what it calls", s.TraceID)
		}
	}
}

// own is the span of the trace in which its service began a call in a trace of its own.
func (j *judge) own(s *Span) *Span {
	if s.Kind != kindClient || j.others.byID[s.ParentID] != nil {
		return nil
	}
	for _, server := range j.trace.spans {
		if server.Kind == kindServer && server.Service == s.Service && !s.Start.Before(server.Start) && !s.Start.After(server.End) {
			return server
		}
	}
	return nil
}

// name is what findings call the hop of a span, and who what their lines call it.
func name(s *Span) string {
	if s.IsGateway() {
		return Gateway
	}
	return clean(s.Service, nameWidth)
}

func who(hop string) string {
	if hop == Gateway {
		return "the " + hop
	}
	return hop
}

// Arrival is a request as a service noted it.
type Arrival struct {
	Service string
	Time    time.Time
	// Header has its values by their lower-case names.
	Header map[string]string
}

// meanwhile reports whether it came while a call was under way.
func (a *Arrival) meanwhile(c *Call) bool {
	s := Span{Start: a.Time}
	return s.began(c.Sent, c.Answered)
}
