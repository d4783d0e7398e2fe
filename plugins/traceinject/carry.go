package traceinject

import (
	"encoding/json"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// SharedKey is where the access phase leaves the trace in kong.ctx.shared, as
// JSON text. Other plugins may read it: traceparent is the gateway's span.
const SharedKey = "gatehouse.trace"

// carried is a Trace on its way from the access phase to the log phase. The
// phases are separate events, and nothing says that one process sees both.
type carried struct {
	Traceparent string `json:"traceparent"`
	Tracestate  string `json:"tracestate,omitempty"`
	Parent      string `json:"parent,omitempty"` // as a traceparent: the caller's span
	Link        string `json:"link,omitempty"`   // likewise
	Origin      Origin `json:"origin"`
}

// Encode writes t for [Config.Recall].
func (t Trace) Encode() (string, error) {
	c := carried{Traceparent: t.Context.String(), Tracestate: t.State.String(), Origin: t.Origin}
	if !t.Parent.IsZero() {
		c.Parent = t.parentContext().String()
	}
	if !t.Link.IsZero() {
		c.Link = t.Link.String()
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode trace: %w", err)
	}
	return string(text), nil
}

// decodeTrace reads what Encode wrote. Any plugin can write to
// kong.ctx.shared, so nothing is believed unread.
func decodeTrace(text string) (Trace, error) {
	var c carried
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
	t.Origin = c.Origin
	return t, nil
}

// parentContext is the caller's span in a continued trace.
func (t Trace) parentContext() tracecontext.Traceparent {
	parent := t.Context
	parent.SpanID = t.Parent
	return parent
}
