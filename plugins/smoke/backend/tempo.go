package backend

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// Tempo is the query API of Grafana Tempo
// (https://grafana.com/docs/tempo/latest/api_docs/).
type Tempo struct{ Client }

// tempoTrace is the answer of /api/traces/ID: OTLP in JSON, whose list of resources has
// had several names, with ids in base64 or in hex.
type tempoTrace struct {
	Trace         *tempoTrace     `json:"trace"`
	Batches       []tempoResource `json:"batches"`
	ResourceSpans []tempoResource `json:"resourceSpans"`
}

type tempoResource struct {
	Resource struct {
		Attributes []tempoAttribute `json:"attributes"`
	} `json:"resource"`
	ScopeSpans   []tempoScope `json:"scopeSpans"`
	LibrarySpans []tempoScope `json:"instrumentationLibrarySpans"`
}

type tempoScope struct {
	Spans []tempoSpan `json:"spans"`
}

type tempoSpan struct {
	TraceID      string           `json:"traceId"`
	SpanID       string           `json:"spanId"`
	ParentSpanID string           `json:"parentSpanId"`
	Name         string           `json:"name"`
	Kind         any              `json:"kind"` // SPAN_KIND_SERVER, or 2
	Start        nanoseconds      `json:"startTimeUnixNano"`
	End          nanoseconds      `json:"endTimeUnixNano"`
	Attributes   []tempoAttribute `json:"attributes"`
	Status       struct {
		Code any `json:"code"` // STATUS_CODE_ERROR, or 2
	} `json:"status"`
}

// tempoAttribute has one of the values. An integer is text: JSON's numbers are too short.
type tempoAttribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

func (a *tempoAttribute) text() (string, bool) {
	for _, kind := range []string{"stringValue", "intValue", "boolValue", "doubleValue"} {
		if value, there := a.Value[kind]; there {
			return attribute(value)
		}
	}
	return "", false
}

// nanoseconds since the Unix epoch, as a text or a number.
type nanoseconds struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (n *nanoseconds) UnmarshalJSON(text []byte) error {
	count, err := strconv.ParseUint(strings.Trim(string(text), `"`), 10, 63)
	if err != nil {
		return fmt.Errorf("%.40s are no nanoseconds", text)
	}
	n.Time = time.Unix(0, int64(count)).UTC()
	return nil
}

// Spans are those that it has of a trace.
func (t *Tempo) Spans(ctx context.Context, id string) ([]hops.Span, error) {
	return t.trace(ctx, "/api/traces/"+url.PathEscape(id), parseTempo)
}

// Began are the spans of traces that began in a time.
func (t *Tempo) Began(ctx context.Context, from, to time.Time) ([]hops.Span, error) {
	text, err := t.get(ctx, "/api/search", url.Values{
		"q": {"{}"}, "limit": {strconv.Itoa(maxTraces)}, "start": {seconds(from)}, "end": {seconds(to.Add(time.Second))},
	})
	if err != nil {
		return nil, err
	}
	ids, err := parseTempoSearch(text)
	if err != nil {
		return nil, err
	}
	return all(ids, func(id string) ([]hops.Span, error) { return t.Spans(ctx, id) })
}

func parseTempoSearch(text []byte) (ids []string, err error) {
	var found struct {
		Traces []struct {
			TraceID string `json:"traceID"`
		} `json:"traces"`
	}
	if err := decode("Tempo", text, &found); err != nil {
		return nil, err
	}
	for _, trace := range found.Traces {
		if id := hexID(trace.TraceID, traceDigits); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func parseTempo(text []byte) (spans []hops.Span, err error) {
	var answer tempoTrace
	if err := decode("Tempo", text, &answer); err != nil {
		return nil, err
	}
	if answer.Trace != nil {
		answer = *answer.Trace
	}
	for _, resource := range append(answer.Batches, answer.ResourceSpans...) {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service, _ = a.text()
			}
		}
		for _, scope := range append(resource.ScopeSpans, resource.LibrarySpans...) {
			for i := range scope.Spans {
				span := scope.Spans[i].span()
				span.Service = service
				if span.TraceID != "" && span.ID != "" {
					spans = append(spans, span)
				}
			}
		}
	}
	return spans, nil
}

func (t *tempoSpan) span() hops.Span {
	span := hops.Span{
		TraceID: protoID(t.TraceID, traceDigits), ID: protoID(t.SpanID, spanDigits), ParentID: protoID(t.ParentSpanID, spanDigits),
		Name: t.Name, Kind: spanKind(t.Kind), Start: t.Start.Time, End: t.End.Time,
		Failed: t.Status.Code == "STATUS_CODE_ERROR" || t.Status.Code == float64(2), Attributes: map[string]string{},
	}
	for _, a := range t.Attributes {
		if text, ok := a.text(); ok {
			span.Attributes[a.Key] = text
		}
	}
	return span
}

// protoID is an id in hex, or in base64 as protobuf's own JSON has bytes. Which it is, its
// length says.
func protoID(text string, digits int) string {
	if len(text) == digits {
		return hexID(text, digits)
	}
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes)*2 != digits {
		return ""
	}
	return hex.EncodeToString(bytes)
}

// spanKind is OTLP's name or number as a word.
func spanKind(value any) string {
	kinds := []string{"internal", "internal", "server", "client", "producer", "consumer"}
	switch value := value.(type) {
	case string:
		return strings.ToLower(strings.TrimPrefix(value, "SPAN_KIND_"))
	case float64:
		if i := int(value); i >= 0 && i < len(kinds) {
			return kinds[i]
		}
	}
	return kinds[0]
}

var _ json.Unmarshaler = (*nanoseconds)(nil)
