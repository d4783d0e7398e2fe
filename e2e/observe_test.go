package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// traceID is the trace that the gateway says the answer belongs to.
func (a answer) traceID(t *testing.T) string {
	t.Helper()
	ids := a.header.Values("X-Trace-Id")
	if len(ids) != 1 || len(ids[0]) != 32 {
		t.Fatalf("X-Trace-Id = %q, want 32 hex digits once", ids)
	}
	return ids[0]
}

// received returns what a service received within a trace.
func received(t *testing.T, service, traceID string) []services.Request {
	t.Helper()
	return receivedBy(t, gate.services[service], traceID)
}

// receivedBy returns what the processes of a service received within a trace, by their
// base URLs.
func receivedBy(t *testing.T, processes []string, traceID string) []services.Request {
	t.Helper()
	return requestsAt(t, processes, "trace_id="+traceID)
}

// requestsAt returns what the processes of a service received, as a query of the service's
// own selects it.
func requestsAt(t *testing.T, processes []string, query string) []services.Request {
	t.Helper()
	var all []services.Request
	for _, base := range processes {
		var list struct {
			Requests []services.Request `json:"requests"`
		}
		if err := fetchJSON(t, base+"/__requests?"+query, &list); err != nil {
			t.Fatal(err)
		}
		all = append(all, list.Requests...)
	}
	return all
}

// receivedOnce returns the one request that a service received within a trace.
func receivedOnce(t *testing.T, service, traceID string) services.Request {
	t.Helper()
	requests := received(t, service, traceID)
	if len(requests) != 1 {
		t.Fatalf("%s received %d requests of trace %s, want 1", service, len(requests), traceID)
	}
	return requests[0]
}

// spans waits until the receiver holds at least count spans of the trace.
func spans(t *testing.T, traceID string, count int) []otlpsink.Span {
	t.Helper()
	var held []otlpsink.Span
	eventually(t, fmt.Sprintf("%d spans of trace %s", count, traceID), func() bool {
		held = nil
		err := fetchJSON(t, gate.receiver+"/traces/"+traceID, &held)
		return err == nil && len(held) >= count
	})
	return held
}

// childrenOf returns the spans whose parent is span.
func childrenOf(all []otlpsink.Span, span otlpsink.Span) []otlpsink.Span {
	return slices.DeleteFunc(slices.Clone(all), func(s otlpsink.Span) bool { return s.ParentSpanID != span.SpanID })
}

// logs returns everything that was logged so far.
func logs(t *testing.T) string {
	t.Helper()
	all, err := gate.logs()
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
