package otlpsink

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Span is a span as it was exported. Ids are lower-case hex.
type Span struct {
	TraceID      string         `json:"trace_id"`
	SpanID       string         `json:"span_id"`
	ParentSpanID string         `json:"parent_span_id,omitempty"`
	Name         string         `json:"name"`
	Kind         string         `json:"kind"`    // internal, server, client, producer, consumer
	Service      string         `json:"service"` // the resource's service.name
	Start        time.Time      `json:"start"`
	End          time.Time      `json:"end"`
	Status       string         `json:"status"` // unset, ok, error
	Attributes   map[string]any `json:"attributes,omitempty"`
	Links        []Link         `json:"links,omitempty"`
}

// Link is another span that a span points to.
type Link struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}

// spansOf leaves out spans whose ids are not of the length that OTLP demands:
// they belong to no trace that anyone could ask for.
func spansOf(export *coltrace.ExportTraceServiceRequest) []Span {
	var spans []Span
	for _, resource := range export.GetResourceSpans() {
		service, _ := attributes(resource.GetResource().GetAttributes())["service.name"].(string)
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				if len(span.GetTraceId()) == 16 && len(span.GetSpanId()) == 8 {
					spans = append(spans, spanOf(service, span))
				}
			}
		}
	}
	return spans
}

func spanOf(service string, s *trace.Span) Span {
	span := Span{
		TraceID:      hex.EncodeToString(s.GetTraceId()),
		SpanID:       hex.EncodeToString(s.GetSpanId()),
		ParentSpanID: hex.EncodeToString(s.GetParentSpanId()),
		Name:         s.GetName(),
		Kind:         enumName(s.GetKind().String(), "SPAN_KIND_"),
		Service:      service,
		Start:        time.Unix(0, int64(s.GetStartTimeUnixNano())).UTC(),
		End:          time.Unix(0, int64(s.GetEndTimeUnixNano())).UTC(),
		Status:       enumName(s.GetStatus().GetCode().String(), "STATUS_CODE_"),
		Attributes:   attributes(s.GetAttributes()),
	}
	for _, link := range s.GetLinks() {
		span.Links = append(span.Links, Link{
			TraceID: hex.EncodeToString(link.GetTraceId()),
			SpanID:  hex.EncodeToString(link.GetSpanId()),
		})
	}
	return span
}

func enumName(name, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}

func attributes(list []*common.KeyValue) map[string]any {
	values := make(map[string]any, len(list))
	for _, kv := range list {
		values[kv.GetKey()] = value(kv.GetValue())
	}
	return values
}

func value(v *common.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_BoolValue:
		return v.BoolValue
	case *common.AnyValue_IntValue:
		return v.IntValue
	case *common.AnyValue_DoubleValue:
		if math.IsNaN(v.DoubleValue) || math.IsInf(v.DoubleValue, 0) {
			return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64) // JSON has no such number
		}
		return v.DoubleValue
	case *common.AnyValue_BytesValue:
		return v.BytesValue
	case *common.AnyValue_ArrayValue:
		var list []any
		for _, element := range v.ArrayValue.GetValues() {
			list = append(list, value(element))
		}
		return list
	case *common.AnyValue_KvlistValue:
		return attributes(v.KvlistValue.GetValues())
	default:
		return nil
	}
}
