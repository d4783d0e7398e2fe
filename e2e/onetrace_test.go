package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// logLine is what the tests look at of a line in any log.
type logLine struct {
	Log       string `json:"log"`     // of the gateway: access, audit
	Service   string `json:"service"` // of a BFF or a service
	RequestID string `json:"request_id"`
	TraceID   string `json:"trace_id"`
	SpanID    string `json:"span_id"`
}

// lineOf waits for a line that fits.
func lineOf(t *testing.T, what string, fits func(logLine) bool) (found logLine) {
	t.Helper()
	eventually(t, what, func() bool {
		for text := range strings.Lines(logs(t)) {
			var line logLine
			if json.Unmarshal([]byte(text), &line) == nil && fits(line) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// gatewayLine waits for the gateway's line of a request.
func gatewayLine(t *testing.T, log, requestID string) logLine {
	t.Helper()
	return lineOf(t, log+" line of request "+requestID, func(l logLine) bool { return l.Log == log && l.RequestID == requestID })
}

// TestOneTraceEverywhere finds one request by its trace in each place where people look:
// the answer, the spans, the logs of the gateway, the BFF and the services, and the
// buckets of latency histograms. A part of the page is missing, so that the BFF logs.
func TestOneTraceEverywhere(t *testing.T) {
	fault(t, services.Billing, `{"status":404}`)
	time.Sleep(time.Second) // for as long, a bucket goes on naming the trace of an earlier test
	a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
	id, requestID := a.traceID(t), a.header.Get("X-Kong-Request-Id")
	all := spans(t, id, 3+2*len(services.BehindBFFs()))

	for _, log := range []string{"access", "audit"} {
		if line := gatewayLine(t, log, requestID); line.TraceID != id {
			t.Errorf("the %s line has the trace %q, want %s", log, line.TraceID, id)
		}
	}

	gateway := openMetrics(t, gate.metrics)
	wantExemplar(t, gateway, `gatehouse_pluginserver_event_duration_seconds_bucket{phase="access",plugin="`+tracingPlugin()+`"`, id)
	if oneHop() { // apart, the limiter's event does not know the trace
		wantExemplar(t, gateway, `gatehouse_ratelimit_redis_seconds_bucket{`, id)
	}
	for _, histogram := range []string{"request", "gateway"} {
		wantExemplar(t, gateway, `gatehouse_`+histogram+`_duration_seconds_bucket{route="web-dashboard"`, id)
	}
	if !gate.here {
		t.Skip("left out: the logs and metrics of BFFs and services, which their containers keep to themselves")
	}
	for _, name := range append(services.BehindBFFs(), "web-bff") {
		line := lineOf(t, "a line of "+name+" in the trace", func(l logLine) bool { return l.Log == "" && l.Service == name && l.TraceID == id })
		if !slices.ContainsFunc(all, func(s otlpsink.Span) bool { return s.SpanID == line.SpanID && s.Service == name }) {
			t.Errorf("a line of %s is in the span %q, which is none of its in %v", name, line.SpanID, names(all))
		}
	}
	bffs := openMetrics(t, gate.ports.WebBFFStatus.URL()) + openMetrics(t, gate.ports.WebBFF2Status.URL())
	wantExemplar(t, bffs, `gatehouse_bff_request_duration_seconds_bucket{route="/web/v1/dashboard"`, id)
	wantExemplar(t, bffs, `gatehouse_bff_upstream_call_duration_seconds_bucket{upstream="orders"`, id)
}

// TestAccessLineHasTheTrace of each request, whoever answered it and began the trace.
func TestAccessLineHasTheTrace(t *testing.T) {
	defer useConfig(t, func(config map[string]any) { keepApart(t, config, "orders-v2") })()
	token := bearer(t, devtoken.Web, "acme", "u1")
	for name, tc := range map[string]struct {
		path    string
		headers []string
		fault   string // of the orders service
		status  int
	}{
		"a page":               {path: "/web/v1/dashboard", headers: []string{token}, status: http.StatusOK},
		"a client's trace":     {path: "/web/v1/dashboard", headers: []string{token, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, status: http.StatusOK},
		"a client's trace id":  {path: "/web/v1/dashboard", headers: []string{token, "X-Trace-Id: 4bf92f3577b34da6a3ce929d0e0e4736"}, status: http.StatusOK},
		"a service's trace id": {path: "/partner/v2/orders", headers: []string{partnerKey}, status: http.StatusOK},
		"no upstream":          {path: "/partner/v2/orders", headers: []string{partnerKey}, fault: `{"reset":true}`, status: http.StatusBadGateway},
		"refused":              {path: "/web/v1/dashboard", status: http.StatusUnauthorized},
		"no route":             {path: "/nowhere", status: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.fault != "" {
				fault(t, services.Orders, tc.fault)
			}
			a := get(t, tc.path, tc.headers...).wantStatus(t, tc.status)
			id, requestID := a.traceID(t), a.header.Get("X-Kong-Request-Id")
			for _, log := range []string{"access", "audit"} {
				if line := gatewayLine(t, log, requestID); line.TraceID != id {
					t.Errorf("the %s line has the trace %q, want %s", log, line.TraceID, id)
				}
			}
			eventually(t, "the gateway's span of request "+requestID+" in its trace", func() bool {
				return slices.ContainsFunc(spans(t, id, 1), func(s otlpsink.Span) bool { return s.Attributes["kong.request.id"] == requestID })
			})
		})
	}
}

// tracingPlugin is the plugin that puts requests in traces.
func tracingPlugin() string {
	if oneHop() {
		return "gatehouse"
	}
	return "trace-inject"
}

// openMetrics are metrics as Prometheus asks for them.
func openMetrics(t *testing.T, base string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	return string(send(t, req).wantStatus(t, http.StatusOK).body)
}

// wantExemplar wants a bucket of the series to name the trace.
func wantExemplar(t *testing.T, metrics, series, traceID string) {
	t.Helper()
	bucket := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + `.* # \{trace_id="` + traceID + `"\} `)
	if !bucket.MatchString(metrics) {
		t.Errorf("no bucket %s…} names the trace %s", series, traceID)
	}
}
