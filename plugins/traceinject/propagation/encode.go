package propagation

import (
	"encoding/json"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// encoded is a Trace on its way from the access phase to the log phase. The
// phases are separate events, and nothing says that one process sees both.
type encoded struct {
	Traceparent string `json:"traceparent"`
	Tracestate  string `json:"tracestate,omitempty"`
	Parent      string `json:"parent,omitempty"` // as a traceparent: the caller's span
	Link        string `json:"link,omitempty"`   // likewise
	Origin      Origin `json:"origin"`
	Call        string `json:"call,omitempty"` // likewise
	Keep        *Keep  `json:"keep,omitempty"`

	Told map[string]string `json:"told,omitempty"`
}

// Encode writes t as JSON text for [Decode]. Other plugins may read it: its member
// traceparent is the gateway's span.
func (t Trace) Encode() (string, error) {
	c := encoded{Traceparent: t.Context.String(), Tracestate: t.State.String(), Origin: t.Origin, Told: t.Told}
	if !t.Parent.IsZero() {
		c.Parent = t.ParentContext().String()
	}
	if !t.Link.IsZero() {
		c.Link = t.Link.String()
	}
	if !t.Call.IsZero() {
		c.Call = t.sent().String()
	}
	if t.Keep.Any() {
		c.Keep = &t.Keep
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode trace: %w", err)
	}
	return string(text), nil
}

// Decode reads what [Trace.Encode] wrote. Any of Kong's plugins may have written the
// text in the meantime, so each part of it is parsed again.
func Decode(text string) (Trace, error) {
	var c encoded
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Trace{}, fmt.Errorf("decode trace: %w", err)
	}
	var t Trace
	var err error
	if t.Context, err = tracecontext.ParseTraceparent(c.Traceparent); err != nil {
		return Trace{}, fmt.Errorf("decode trace: %w", err)
	}
	if t.State, err = tracecontext.ParseTracestate(c.Tracestate); err != nil {
		return Trace{}, fmt.Errorf("decode trace: %w", err)
	}
	if parent, err := tracecontext.ParseTraceparent(c.Parent); err == nil {
		t.Parent = parent.SpanID
	}
	if link, err := tracecontext.ParseTraceparent(c.Link); err == nil {
		t.Link = link
	}
	if call, err := tracecontext.ParseTraceparent(c.Call); err == nil {
		t.Call = call.SpanID
	}
	if c.Keep != nil {
		t.Keep = *c.Keep
	}
	t.Origin, t.Told = c.Origin, c.Told
	return t, nil
}

// ParentContext is the caller's span in a continued trace.
func (t Trace) ParentContext() tracecontext.Traceparent {
	parent := t.Context
	parent.SpanID = t.Parent
	return parent
}
