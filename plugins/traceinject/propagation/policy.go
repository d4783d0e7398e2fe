package propagation

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// Incoming says what becomes of a trace that a client says it is in.
type Incoming string

// The choices for a client's traceparent. Anyone can write one, with the
// sampled flag set and the same trace id a million times over; so an edge
// should not let strangers into its own traces.
const (
	// IncomingContinue makes the gateway's span a child of the client's.
	IncomingContinue Incoming = "continue"
	// IncomingLink starts a new trace whose first span links to the client's.
	IncomingLink Incoming = "link"
	// IncomingRestart starts a new trace and forgets the client's.
	IncomingRestart Incoming = "restart"
)

// Request is what a trace depends on in a client's request.
type Request struct {
	// Traceparent and Tracestate are header values, several lines joined with
	// commas (RFC 9110 section 5.2). Tracestate may be left empty if there is
	// no traceparent.
	Traceparent, Tracestate string
	// Connection is the header of that name, likewise; see [Headers.Issued].
	Connection string
	// Foreign are the other formats' headers that the client sent, by lower-case name,
	// likewise. One that it may have sent, since nobody looked, is in it without a value.
	Foreign map[string]string
	// Client is needed only where the policy trusts networks.
	Client netip.Addr
	// ID is the gateway's own id of the request, by which [Policy.Force] knows it again.
	ID string
	// Told are headers that the span is to tell of, by lower-case name. Nothing depends on
	// them.
	Told map[string]string
}

// Origin says how a trace came to be; it is a metric label.
type Origin string

// The ways in which a trace can come to be.
const (
	OriginStarted   Origin = "started"   // the client sent no traceparent
	OriginInvalid   Origin = "invalid"   // it sent one that had to be ignored
	OriginContinued Origin = "continued" // the client's trace goes on
	OriginLinked    Origin = "linked"    // a new trace, linked to the client's
	OriginRestarted Origin = "restarted" // a new trace, the client's forgotten
)

// Trace is the gateway's place in a trace.
type Trace struct {
	// Context is the gateway's own span.
	Context tracecontext.Traceparent
	// State goes upstream as tracestate. Only a continued trace has one.
	State tracecontext.Tracestate
	// Parent is the client's span in a continued trace, else zero.
	Parent tracecontext.SpanID
	// Link is the client's span where the new trace links to it, else zero.
	Link   tracecontext.Traceparent
	Origin Origin
	// Call is the span of the call to the service, which the service gets as its parent;
	// zero where that is the gateway's own span.
	Call tracecontext.SpanID
	// Keep says which requests of a trace that is not sampled have their spans exported all
	// the same.
	Keep Keep
	// Told are headers that the span is to tell of, by lower-case name.
	Told map[string]string
	// Format is what the client's trace was found in, even if it was not continued; empty
	// if there was none. The log phase does not know it.
	Format formats.Format
}

// Policy decides which traces to continue and which to record.
type Policy struct {
	Incoming Incoming
	// Extract are the formats in which a client's trace is looked for, in that order.
	// Empty: in none.
	Extract []formats.Format
	// Trusted are the networks of clients whose trace is continued whatever
	// Incoming says.
	Trusted []netip.Prefix
	// SampleRatio is the share of the traces begun here that is recorded, 0 to 1.
	SampleRatio float64
	// IgnoreParentSampled has SampleRatio decide for continued traces too.
	IgnoreParentSampled bool
	// Force reports whether the request of an id may be sampled only because the client's
	// trace is. Asked again for one id, it gives the same answer. If it may not, SampleRatio
	// decides. nil: each may.
	Force func(id string) bool
	// Keep is for the traces that are not sampled, but for those whose client said so.
	Keep Keep
	// Calls gives the call to the service a span of its own.
	Calls bool
}

// Random yields 64 uniformly distributed bits. It must be safe for concurrent
// use.
type Random func() uint64

// Start places the gateway in a trace. It cannot fail: what is wrong with the
// client's headers means a new trace.
func (p Policy) Start(r Request, random Random) (t Trace) {
	t = p.place(r, random)
	t.Told = r.Told
	if t.Context.Flags.Sampled() {
		t.Keep = Keep{}
	}
	if p.Calls && (t.Context.Flags.Sampled() || t.Keep.Any()) {
		t.Call = NewSpanID(random)
	}
	return t
}

func (p Policy) place(r Request, random Random) (t Trace) {
	found, origin := p.find(r)
	if found.Format == "" {
		return p.begin(origin, random)
	}
	switch p.incoming(r.Client) {
	case IncomingContinue:
		t = p.join(found, r, random)
	case IncomingLink:
		t = p.begin(OriginLinked, random)
		t.Link = found.Span
	default:
		t = p.begin(OriginRestarted, random)
	}
	t.Format = found.Format
	return t
}

// find is the client's span in the first format that has a valid one. If none has, the
// origin says whether there was one that was not valid.
func (p Policy) find(r Request) (found formats.Found, none Origin) {
	none = OriginStarted
	for _, format := range p.Extract {
		if found, ok := format.Read(r.header); ok {
			return found, ""
		}
		if r.says(format) {
			none = OriginInvalid
		}
	}
	return formats.Found{}, none
}

// header is a header that carries a trace, by its lower-case name.
func (r *Request) header(name string) string {
	switch name {
	case tracecontext.TraceparentHeader:
		return r.Traceparent
	case tracecontext.TracestateHeader:
		return r.Tracestate
	}
	return r.Foreign[name]
}

// says reports whether the client sent anything in a format. A tracestate alone is
// nothing.
func (r *Request) says(format formats.Format) bool {
	return slices.ContainsFunc(format.Headers(), func(name string) bool {
		return name != tracecontext.TracestateHeader && r.header(name) != ""
	})
}

func (p Policy) incoming(client netip.Addr) Incoming {
	client = client.Unmap()
	for _, network := range p.Trusted {
		if network.Contains(client) {
			return IncomingContinue
		}
	}
	return p.Incoming
}

// MayContinue reports whether any client's trace can be continued, and so
// whether tracestate and the client's address matter at all.
func (p Policy) MayContinue() bool {
	return p.Incoming == IncomingContinue || len(p.Trusted) > 0
}

// Found reports whether the client says, in a format that is extracted, that it is in a
// trace.
func (p Policy) Found(r Request) bool { return slices.ContainsFunc(p.Extract, r.says) }

// Extracts reports whether a header, by its lower-case name, is of a format that is
// extracted.
func (p Policy) Extracts(name string) bool {
	return slices.ContainsFunc(p.Extract, func(f formats.Format) bool { return slices.Contains(f.Headers(), name) })
}

// begin starts a new trace. All of its trace id is random, hence the flag.
func (p Policy) begin(origin Origin, random Random) Trace {
	id := newTraceID(random)
	return Trace{
		Context: tracecontext.Traceparent{
			TraceID: id,
			SpanID:  NewSpanID(random),
			Flags:   tracecontext.FlagRandom.WithSampled(sampledByRatio(id, p.SampleRatio)),
		},
		Origin: origin,
		Keep:   p.Keep,
	}
}

// join goes on with the client's trace under a new span id. An invalid tracestate, or
// one beside another format's trace, is dropped and changes nothing else.
func (p Policy) join(found formats.Found, r Request, random Random) Trace {
	parent := found.Span
	sampled, keep := p.sampled(found, r.ID)
	t := Trace{
		Context: tracecontext.Traceparent{
			TraceID: parent.TraceID,
			SpanID:  NewSpanID(random),
			Flags:   parent.Flags.WithSampled(sampled),
		},
		Parent: parent.SpanID,
		Origin: OriginContinued,
		Keep:   keep,
	}
	if state, err := tracecontext.ParseTracestate(r.Tracestate); err == nil && found.Format == formats.W3C {
		t.State = state.Truncate(tracecontext.MinPropagated)
	}
	return t
}

// sampled decides for a continued trace, and what is kept of it if it is not sampled:
// nothing, where that is the client's decision.
func (p Policy) sampled(found formats.Found, id string) (bool, Keep) {
	byRatio := sampledByRatio(found.Span.TraceID, p.SampleRatio)
	switch {
	case p.IgnoreParentSampled || found.Undecided:
		return byRatio, p.Keep
	case !found.Span.Flags.Sampled():
		return false, Keep{}
	}
	return byRatio || p.Force == nil || p.Force(id), p.Keep
}

// sampledByRatio decides as OpenTelemetry's TraceIdRatioBased sampler does: 63
// of the right-most 64 bits of the id against a bound.
func sampledByRatio(id tracecontext.TraceID, ratio float64) bool {
	switch {
	case ratio >= 1:
		return true
	case ratio <= 0:
		return false
	}
	return binary.BigEndian.Uint64(id[8:])>>1 < uint64(ratio*(1<<63))
}

func newTraceID(random Random) tracecontext.TraceID {
	var id tracecontext.TraceID
	for id.IsZero() {
		binary.BigEndian.PutUint64(id[:8], random())
		binary.BigEndian.PutUint64(id[8:], random())
	}
	return id
}

// NewSpanID is a span id of random bits.
func NewSpanID(random Random) tracecontext.SpanID {
	var id tracecontext.SpanID
	for id.IsZero() {
		binary.BigEndian.PutUint64(id[:], random())
	}
	return id
}
