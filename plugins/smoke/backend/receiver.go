package backend

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// Receiver is the trace receiver of `make run`.
type Receiver struct{ Client }

// Spans are those that it holds of a trace.
func (r *Receiver) Spans(ctx context.Context, id string) ([]hops.Span, error) {
	return r.trace(ctx, "/traces/"+url.PathEscape(id), parseReceiver)
}

// Began are the spans of the newest traces that began in a time.
func (r *Receiver) Began(ctx context.Context, from, to time.Time) ([]hops.Span, error) {
	text, err := r.get(ctx, "/traces", url.Values{"limit": {strconv.Itoa(maxTraces)}})
	if err != nil {
		return nil, err
	}
	var list []struct {
		TraceID string    `json:"trace_id"`
		Start   time.Time `json:"start"`
	}
	if err := decode("the receiver", text, &list); err != nil {
		return nil, err
	}
	var ids []string
	for _, summary := range list {
		if id := hexID(summary.TraceID, traceDigits); id != "" && !summary.Start.Before(from) && !summary.Start.After(to) {
			ids = append(ids, id)
		}
	}
	return all(ids, func(id string) ([]hops.Span, error) { return r.Spans(ctx, id) })
}

func parseReceiver(text []byte) (spans []hops.Span, err error) {
	var list []struct {
		TraceID      string         `json:"trace_id"`
		SpanID       string         `json:"span_id"`
		ParentSpanID string         `json:"parent_span_id"`
		Name         string         `json:"name"`
		Kind         string         `json:"kind"`
		Service      string         `json:"service"`
		Start        time.Time      `json:"start"`
		End          time.Time      `json:"end"`
		Status       string         `json:"status"`
		Attributes   map[string]any `json:"attributes"`
	}
	if err := decode("the receiver", text, &list); err != nil {
		return nil, err
	}
	for _, s := range list {
		span := hops.Span{
			TraceID: hexID(s.TraceID, traceDigits), ID: hexID(s.SpanID, spanDigits), ParentID: hexID(s.ParentSpanID, spanDigits),
			Service: s.Service, Name: s.Name, Kind: s.Kind, Start: s.Start, End: s.End, Failed: s.Status == "error", Attributes: map[string]string{},
		}
		for key, value := range s.Attributes {
			if text, ok := attribute(value); ok {
				span.Attributes[key] = text
			}
		}
		if span.TraceID != "" && span.ID != "" {
			spans = append(spans, span)
		}
	}
	return spans, nil
}
