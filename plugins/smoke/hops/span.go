// Package hops says from spans what became of a request's trace on its way, and draws it.
// It knows no trace backend and no network.
package hops

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Span is a span as a trace backend has it. Ids are lower-case hex.
type Span struct {
	TraceID  string    `json:"trace_id"`
	ID       string    `json:"span_id"`
	ParentID string    `json:"parent_span_id,omitempty"`
	Service  string    `json:"service"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"` // internal, server, client, producer, consumer
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Failed   bool      `json:"failed,omitempty"`
	// Attributes are as text; what is no text, number or truth value is left out.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Attributes that say which hop a span is of.
const (
	attrRoute    = "kong.route.name"
	attrTries    = "kong.upstream.tries"
	attrAddress  = "server.address"
	attrPort     = "server.port"
	attrStatus   = "http.response.status_code"
	attrOldCode  = "http.status_code" // of instrumentation from before 2023
	gatewayAttrs = "kong."
)

const (
	kindClient = "client"
	kindServer = "server"
)

// skew is how far the clocks of two hops may be apart.
const skew = 50 * time.Millisecond

// IsGateway reports whether it is the span that trace-inject makes.
func (s *Span) IsGateway() bool {
	for name := range s.Attributes {
		if strings.HasPrefix(name, gatewayAttrs) {
			return true
		}
	}
	return false
}

// within reports whether it began while another span lasted.
func (s *Span) within(other *Span) bool { return s.began(other.Start, other.End) }

func (s *Span) began(from, to time.Time) bool {
	return !s.Start.Before(from.Add(-skew)) && !s.Start.After(to.Add(skew))
}

// asks is the address that a client span asked, as the called one has it in its own span.
func (s *Span) asks() string {
	address, port := s.Attributes[attrAddress], s.Attributes[attrPort]
	if port == "" {
		return address
	}
	return address + ":" + port
}

// trace is a set of spans, each once, in order of their start.
type trace struct {
	spans    []*Span
	byID     map[string]*Span
	children map[string][]*Span
}

func newTrace(spans []Span) *trace {
	t := &trace{byID: map[string]*Span{}, children: map[string][]*Span{}}
	for i := range spans {
		s := &spans[i]
		if t.byID[s.ID] == nil {
			t.byID[s.ID] = s
			t.spans = append(t.spans, s)
		}
	}
	slices.SortStableFunc(t.spans, func(a, b *Span) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	for _, s := range t.spans {
		t.children[s.ParentID] = append(t.children[s.ParentID], s)
	}
	return t
}

// clean is a text of a backend's for a terminal: without what a terminal would obey, and
// no longer than most characters.
func clean(text string, most int) string {
	var out []rune
	for _, r := range text {
		if len(out) == most {
			out[most-1] = '…'
			break
		}
		if !unicode.IsPrint(r) {
			r = '�'
		}
		out = append(out, r)
	}
	return string(out)
}
