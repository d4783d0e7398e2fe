package traceinject_test

import (
	"context"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// keptSpans is an exporter that keeps what it gets, also after its shutdown.
type keptSpans struct {
	limit int           // keep no more than so many; zero: all
	hold  chan struct{} // if set, an export lasts until it is closed
	err   error         // if set, exports fail

	mu    sync.Mutex
	spans tracetest.SpanStubs
}

func (k *keptSpans) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	if k.hold != nil {
		<-k.hold
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	if k.limit == 0 || len(k.spans) < k.limit {
		k.spans = append(k.spans, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	}
	return nil
}

func (k *keptSpans) Shutdown(context.Context) error { return nil }

func (k *keptSpans) get() tracetest.SpanStubs {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.spans
}

func (k *keptSpans) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}
