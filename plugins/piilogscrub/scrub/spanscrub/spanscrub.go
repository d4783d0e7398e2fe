// Package spanscrub takes personal data, card numbers and credentials out of OpenTelemetry
// spans before they leave a process. It works with any provider of the SDK:
//
//	sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
//		spanscrub.Default(sdktrace.NewBatchSpanProcessor(exporter))))
package spanscrub

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// New is a span processor that hands spans on to next without what the policy of engine
// names: in their names, the texts of their attributes, events and links, and the
// description of their status. Numbers are left alone, and so is the resource, which the
// process itself writes.
//
// The work is done as next reads a span, which a batch processor does off the request's
// way.
func New(engine *scrub.Engine, next sdktrace.SpanProcessor) sdktrace.SpanProcessor {
	return processor{next, engine}
}

// Default is [New] by the default policy.
func Default(next sdktrace.SpanProcessor) sdktrace.SpanProcessor {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		engine = scrub.Dropping() // the default policy is valid, so this cannot be
	}
	return New(engine, next)
}

type processor struct {
	sdktrace.SpanProcessor
	engine *scrub.Engine
}

// OnEnd implements sdktrace.SpanProcessor.
func (p processor) OnEnd(s sdktrace.ReadOnlySpan) { p.SpanProcessor.OnEnd(span{s, p.engine}) }

// span is a span without what its engine finds.
type span struct {
	sdktrace.ReadOnlySpan
	engine *scrub.Engine
}

// Name implements sdktrace.ReadOnlySpan.
func (s span) Name() string {
	t := texts{engine: s.engine}
	return t.text(s.ReadOnlySpan.Name())
}

// Attributes implements sdktrace.ReadOnlySpan.
func (s span) Attributes() []attribute.KeyValue {
	list := s.ReadOnlySpan.Attributes()
	t := texts{engine: s.engine, url: s.engine.WithTemplate(route(list))}
	return t.attributes(list)
}

// Events implements sdktrace.ReadOnlySpan.
func (s span) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	if len(events) == 0 {
		return nil
	}
	t := texts{engine: s.engine, url: s.engine}
	for i := range events {
		events[i].Name = t.text(events[i].Name)
		events[i].Attributes = t.attributes(events[i].Attributes)
	}
	return events
}

// Links implements sdktrace.ReadOnlySpan.
func (s span) Links() []sdktrace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	if len(links) == 0 {
		return nil
	}
	t := texts{engine: s.engine, url: s.engine}
	for i := range links {
		links[i].Attributes = t.attributes(links[i].Attributes)
	}
	return links
}

// Status implements sdktrace.ReadOnlySpan.
func (s span) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	t := texts{engine: s.engine}
	status.Description = t.text(status.Description)
	return status
}

// route is the path template of a span, if it has one.
func route(list []attribute.KeyValue) string {
	for _, kv := range list {
		if kv.Key == "http.route" {
			return kv.Value.AsString()
		}
	}
	return ""
}
