package backend

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// Jaeger is the query API of Jaeger, version 1 and 2, below its base path
// (https://www.jaegertracing.io/docs/2.0/apis/#internal-http-json).
type Jaeger struct{ Client }

// jaegerTraces is the answer of /api/traces.
type jaegerTraces struct {
	Data []struct {
		Spans     []jaegerSpan `json:"spans"`
		Processes map[string]struct {
			ServiceName string `json:"serviceName"`
		} `json:"processes"`
	} `json:"data"`
}

// jaegerSpan has its times in microseconds.
type jaegerSpan struct {
	TraceID       string `json:"traceID"`
	SpanID        string `json:"spanID"`
	OperationName string `json:"operationName"`
	References    []struct {
		RefType string `json:"refType"`
		TraceID string `json:"traceID"`
		SpanID  string `json:"spanID"`
	} `json:"references"`
	StartTime int64 `json:"startTime"`
	Duration  int64 `json:"duration"`
	Tags      []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
	ProcessID string `json:"processID"`
}

// Spans are those that it has of a trace.
func (j *Jaeger) Spans(ctx context.Context, id string) ([]hops.Span, error) {
	return j.trace(ctx, "/api/traces/"+url.PathEscape(id), parseJaeger)
}

// Began are the spans of traces that began in a time. Jaeger looks for them by service.
func (j *Jaeger) Began(ctx context.Context, from, to time.Time) (spans []hops.Span, err error) {
	text, err := j.get(ctx, "/api/services", nil)
	if err != nil {
		return nil, err
	}
	var services struct {
		Data []string `json:"data"`
	}
	if err := decode("Jaeger", text, &services); err != nil {
		return nil, err
	}
	const maxServices = 100
	for _, service := range services.Data[:min(len(services.Data), maxServices)] {
		text, err := j.get(ctx, "/api/traces", url.Values{
			"service": {service}, "limit": {strconv.Itoa(maxTraces)},
			"start": {strconv.FormatInt(from.UnixMicro(), 10)}, "end": {strconv.FormatInt(to.UnixMicro(), 10)},
		})
		if err != nil {
			return nil, err
		}
		more, err := parseJaeger(text)
		if err != nil {
			return nil, err
		}
		spans = append(spans, more...)
	}
	return spans, nil
}

func parseJaeger(text []byte) (spans []hops.Span, err error) {
	var answer jaegerTraces
	if err := decode("Jaeger", text, &answer); err != nil {
		return nil, err
	}
	for _, trace := range answer.Data {
		for i := range trace.Spans {
			span := trace.Spans[i].span()
			span.Service = trace.Processes[trace.Spans[i].ProcessID].ServiceName
			if span.TraceID != "" && span.ID != "" {
				spans = append(spans, span)
			}
		}
	}
	return spans, nil
}

func (j *jaegerSpan) span() hops.Span {
	span := hops.Span{
		TraceID: hexID(j.TraceID, traceDigits), ID: hexID(j.SpanID, spanDigits), Name: j.OperationName, Kind: "internal",
		Start: time.UnixMicro(j.StartTime).UTC(), Attributes: map[string]string{},
	}
	span.End = span.Start.Add(time.Duration(j.Duration) * time.Microsecond)
	for _, r := range j.References {
		if r.RefType == "CHILD_OF" && hexID(r.TraceID, traceDigits) == span.TraceID {
			span.ParentID = hexID(r.SpanID, spanDigits)
		}
	}
	for _, tag := range j.Tags {
		text, ok := attribute(tag.Value)
		switch {
		case !ok:
		case tag.Key == "span.kind":
			span.Kind = text
		case tag.Key == "error":
			span.Failed = text == "true"
		default:
			span.Attributes[tag.Key] = text
		}
	}
	return span
}
