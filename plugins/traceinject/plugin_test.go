package traceinject_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

const (
	clientTraceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpanID  = "00f067aa0ba902b7"
	clientParent  = "00-" + clientTraceID + "-" + clientSpanID + "-01"

	ownTraceID = "11121314151617181112131415161718"
	ownSpanID  = "1112131415161718"
	ownParent  = "00-" + ownTraceID + "-" + ownSpanID + "-03"
)

func fixedIDs() uint64 { return 0x1112131415161718 }

// upstream is what the service gets to see of the trace headers.
type upstream struct {
	Traceparent, Tracestate, Baggage []string
}

func seenUpstream(e kongtest.Effects) upstream {
	h := e.Service.Headers
	return upstream{Traceparent: h.Values("traceparent"), Tracestate: h.Values("tracestate"), Baggage: h.Values("baggage")}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	full := http.Header{"traceparent": {clientParent}, "tracestate": {"rojo=1", "congo=2"}, "baggage": {"user=jane"}}
	tests := []struct {
		name    string
		edit    func(*traceinject.Config)
		request kongtest.Request
		want    upstream
		calls   int
	}{
		{"no trace", nil, kongtest.Request{},
			upstream{Traceparent: []string{ownParent}}, 7},
		{"a public edge links", nil, kongtest.Request{Headers: full},
			upstream{Traceparent: []string{ownParent}}, 7},
		{"tracestate lines become one", set("continue", "remove"), kongtest.Request{Headers: full},
			upstream{Traceparent: []string{"00-" + clientTraceID + "-" + ownSpanID + "-01"}, Tracestate: []string{"rojo=1,congo=2"}}, 8},
		{"baggage passes", set("continue", "pass"), kongtest.Request{Headers: full},
			upstream{Traceparent: []string{"00-" + clientTraceID + "-" + ownSpanID + "-01"}, Tracestate: []string{"rojo=1,congo=2"}, Baggage: []string{"user=jane"}}, 8},
		{"tracestate alone is dropped", set("continue", "remove"), kongtest.Request{Headers: http.Header{"tracestate": {"rojo=1"}}},
			upstream{Traceparent: []string{ownParent}}, 7},
		{"two traceparents are none", set("continue", "remove"), kongtest.Request{Headers: http.Header{"traceparent": {clientParent, clientParent}}},
			upstream{Traceparent: []string{ownParent}}, 8},
		{"bytes that are no UTF-8 are replaced, not passed on", set("continue", "remove"), kongtest.Request{Headers: http.Header{"traceparent": {"00-\xff"}, "tracestate": {"\xfe=1"}}},
			upstream{Traceparent: []string{ownParent}}, 8},
		{"trusted network", trust("10.0.0.0/8"), kongtest.Request{Headers: full, ClientIP: "10.0.0.1"},
			upstream{Traceparent: []string{"00-" + clientTraceID + "-" + ownSpanID + "-01"}, Tracestate: []string{"rojo=1,congo=2"}}, 9},
		{"untrusted network", trust("10.0.0.0/8"), kongtest.Request{Headers: full, ClientIP: "192.0.2.1"},
			upstream{Traceparent: []string{ownParent}}, 9},
		{"unix socket is no trusted network", trust("0.0.0.0/0"), kongtest.Request{Headers: full, ClientIP: "unix:"},
			upstream{Traceparent: []string{ownParent}}, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, traceinject.Options{Random: fixedIDs}, tt.edit)
			kongtest.Run(t, config.Access, kongtest.Request{}) // finds out that there is no composite variable
			checkAccess(t, kongtest.Run(t, config.Access, tt.request), tt.want, tt.calls)

			config = newConfig(t, traceinject.Options{Random: fixedIDs}, tt.edit)
			const oneRead = 6
			checkAccess(t, kongtest.Run(t, config.Access, kongrequesttest.Installed(t, tt.request)), tt.want, oneRead)
		})
	}
}

func checkAccess(t *testing.T, effects kongtest.Effects, want upstream, calls int) {
	t.Helper()
	if diff := cmp.Diff(want, seenUpstream(effects), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("upstream headers (-want +got):\n%s", diff)
	}
	if len(effects.Calls) != calls {
		t.Errorf("%d PDK calls, want %d: %v", len(effects.Calls), calls, effects.Calls)
	}
	if last := effects.Calls[len(effects.Calls)-1]; last != "kong.service.request.set_headers" {
		t.Errorf("the last call is %s: a repeated event would not see the client's headers", last)
	}
}

// TestTakenTrace: a request that takes the trace away is refused, in a trace that both
// sides can be asked for.
func TestTakenTrace(t *testing.T) {
	t.Parallel()
	for connection, refused := range map[string]bool{
		"traceparent": true, "close, TRACESTATE": true, "keep-alive": false, "X-User-Id": false, "trace-parent": false,
	} {
		config := newConfig(t, traceinject.Options{Random: fixedIDs}, nil)
		e := kongtest.Run(t, config.Access, kongtest.Request{Headers: http.Header{"Connection": {connection}}})
		if (e.Exit != nil) != refused || (len(e.Service.Ops) > 0) == refused {
			t.Errorf("%s: exit %+v, changes %v", connection, e.Exit, e.Service.Ops)
		}
		if !refused {
			continue
		}
		word := kongtest.KV{Key: "gatehouse.trace-inject", Value: "refused"}
		if e.Exit.Status != http.StatusBadRequest || e.Exit.Headers.Get("X-Trace-Id") != ownTraceID || !slices.Contains(e.Serialized, word) {
			t.Errorf("%s: exit %+v, log fields %v", connection, e.Exit, e.Serialized)
		}
	}
}

// TestForeignTraces: a stranger's trace in another format does not reach the service
// beside the gateway's, whichever way the headers are read.
func TestForeignTraces(t *testing.T) {
	t.Parallel()
	request := kongtest.Request{Headers: http.Header{
		"B3": {clientTraceID + "-" + clientSpanID + "-1"}, "X-Datadog-Trace-Id": {"7"}, "Sentry-Trace": {"1"}, "X-User": {"jane"},
	}}
	keep := func(c *traceinject.Config) { c.PassHeaders = []string{"Sentry-Trace"} }
	extract := func(c *traceinject.Config) {
		c.Incoming = propagation.IncomingContinue
		c.Propagation = traceinject.Propagation{Extract: []formats.Format{"w3c", "b3"}, Inject: []formats.Format{"preserve"}}
	}
	for _, tt := range []struct {
		name  string
		edit  func(*traceinject.Config)
		want  http.Header
		calls [2]int // without the composite variable, and with it
	}{
		{"removed", nil, http.Header{"Traceparent": {ownParent}, "X-User": {"jane"}}, [2]int{7, 6}},
		{"but for those that are listed", keep, http.Header{"Traceparent": {ownParent}, "Sentry-Trace": {"1"}, "X-User": {"jane"}}, [2]int{7, 6}},
		{"continued", extract, http.Header{
			"Traceparent": {"00-" + clientTraceID + "-" + ownSpanID + "-01"}, "B3": {clientTraceID + "-" + ownSpanID + "-1"}, "X-User": {"jane"},
		}, [2]int{13, 6}},
	} {
		for i, installed := range []bool{false, true} {
			config := newConfig(t, traceinject.Options{Random: fixedIDs}, tt.edit)
			req := request
			if installed {
				req = kongrequesttest.Installed(t, req)
			} else {
				kongtest.Run(t, config.Access, kongtest.Request{}) // finds out that there is no composite variable
			}
			effects := kongtest.Run(t, config.Access, req)
			got := effects.Service.Headers.Clone()
			maps.DeleteFunc(got, func(_ string, values []string) bool { return len(values) == 0 })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, installed %v: upstream headers (-want +got):\n%s", tt.name, installed, diff)
			}
			if len(effects.Calls) != tt.calls[i] {
				t.Errorf("%s, installed %v: %d calls, want %d", tt.name, installed, len(effects.Calls), tt.calls[i])
			}
		}
	}
}

func set(incoming propagation.Incoming, baggage propagation.Baggage) func(*traceinject.Config) {
	return func(c *traceinject.Config) { c.Incoming, c.Baggage = incoming, baggage }
}

func trust(cidr string) func(*traceinject.Config) {
	return func(c *traceinject.Config) { c.TrustedCIDRs = []string{cidr} }
}

func TestAccessTellsLogAndClient(t *testing.T) {
	t.Parallel()
	config := newConfig(t, traceinject.Options{Random: fixedIDs}, nil)
	effects := kongtest.Run(t, config.Access, kongtest.Request{})
	want := []kongtest.KV{{Key: "trace_id", Value: ownTraceID}, {Key: "span_id", Value: ownSpanID}}
	if diff := cmp.Diff(want, effects.Serialized); diff != "" {
		t.Errorf("log fields (-want +got):\n%s", diff)
	}
	if got := effects.Response.Headers.Get("X-Trace-Id"); got != ownTraceID {
		t.Errorf("X-Trace-Id is %q", got)
	}
	config = newConfig(t, traceinject.Options{}, func(c *traceinject.Config) { c.ResponseHeader = "" })
	if got := kongtest.Run(t, config.Access, kongtest.Request{}).Response.Headers; len(got) != 0 {
		t.Errorf("response headers without response_header: %v", got)
	}
}

// TestAccessTellsOfSpans: of a trace that is sampled, where there is an exporter.
func TestAccessTellsOfSpans(t *testing.T) {
	t.Parallel()
	note := kongtest.KV{Key: "gatehouse.sampled", Value: true}
	for name, tc := range map[string]struct {
		options traceinject.Options
		ratio   float64
		want    bool
	}{
		"sampled":      {traceinject.Options{Exporter: &keptSpans{}}, 1, true},
		"not sampled":  {traceinject.Options{Exporter: &keptSpans{}}, 0, false},
		"not exported": {traceinject.Options{}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, tc.options, func(c *traceinject.Config) {
				c.SampleRatio, c.KeepErrors = tc.ratio, true
			})
			if got := kongtest.Run(t, config.Access, kongtest.Request{}).Serialized; slices.Contains(got, note) != tc.want {
				t.Errorf("log fields %v, want the note %v", got, tc.want)
			}
		})
	}
}

// TestLogFollowsAccess feeds what the access phase shared to the log phase.
func TestLogFollowsAccess(t *testing.T) {
	t.Parallel()
	record, err := os.ReadFile("testdata/spans/proxied.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		incoming                     propagation.Incoming
		traceID, parent, link, state string
	}{
		{"continue", clientTraceID, clientSpanID, "", "rojo=1"},
		{"link", ownTraceID, "", clientSpanID, ""},
		{"restart", ownTraceID, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(string(tt.incoming), func(t *testing.T) {
			t.Parallel()
			spans := &keptSpans{}
			edge := resource.NewSchemaless(semconv.ServiceName("edge"))
			config := newConfig(t, traceinject.Options{Exporter: spans, Resource: edge, Random: fixedIDs}, set(tt.incoming, "remove"))
			access := kongtest.Run(t, config.Access, kongtest.Request{Headers: http.Header{"traceparent": {clientParent}, "tracestate": {"rojo=1"}}})
			kongtest.Run(t, config.Log, kongtest.Request{Shared: access.Shared, Log: string(record)})
			closeRuntime(t, config)
			if len(spans.get()) != 2 {
				t.Fatalf("%d spans, want the server's and the call's", len(spans.get()))
			}
			span, call := spans.get()[0], spans.get()[1]
			sent := strings.Split(access.Service.Headers.Get("traceparent"), "-")
			if got := call.SpanContext.SpanID().String(); got != sent[2] || call.Parent.SpanID() != span.SpanContext.SpanID() {
				t.Errorf("the call is %s under %v, want %s under the server's span", got, call.Parent, sent[2])
			}
			got := []string{span.SpanContext.TraceID().String(), span.SpanContext.SpanID().String(), span.SpanContext.TraceState().String()}
			if diff := cmp.Diff([]string{tt.traceID, ownSpanID, tt.state}, got); diff != "" {
				t.Errorf("span context (-want +got):\n%s", diff)
			}
			if (tt.parent == "") == span.Parent.IsValid() || tt.parent != "" && span.Parent.SpanID().String() != tt.parent {
				t.Errorf("parent %v, want %q", span.Parent, tt.parent)
			}
			if tt.parent != "" && !span.Parent.IsRemote() {
				t.Error("the parent is not marked remote")
			}
			if (tt.link == "") == (len(span.Links) > 0) || tt.link != "" && span.Links[0].SpanContext.SpanID().String() != tt.link {
				t.Errorf("links %v, want %q", span.Links, tt.link)
			}
			if name := span.Resource.String(); !strings.Contains(name, "service.name=edge") {
				t.Errorf("resource is %s", name)
			}
		})
	}
}

func TestLogCallsOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	never := func(c *traceinject.Config) { c.SampleRatio = 0 }
	withExporter := traceinject.Options{Exporter: &keptSpans{}}
	tests := []struct {
		name    string
		options traceinject.Options
		edit    func(*traceinject.Config)
		shared  any
		want    []string
	}{
		{"no exporter", traceinject.Options{}, nil, nil, nil},
		{"not sampled", withExporter, nil, `{"traceparent":"00-` + clientTraceID + `-` + clientSpanID + `-02"}`, []string{"kong.ctx.shared.get"}},
		{"refused before access, not sampled", withExporter, never, nil, []string{"kong.ctx.shared.get"}},
		{"spoilt by another plugin", withExporter, nil, "nonsense", []string{"kong.ctx.shared.get"}},
		{"sampled", withExporter, nil, `{"traceparent":"` + clientParent + `"}`, []string{"kong.ctx.shared.get", "kong.log.serialize"}},
		{"refused before access", withExporter, nil, nil, []string{"kong.ctx.shared.get", "kong.log.serialize"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, tt.options, tt.edit)
			request := kongtest.Request{Shared: map[string]any{traceinject.SharedKey: tt.shared}}
			if diff := cmp.Diff(tt.want, kongtest.Run(t, config.Log, request).Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLogReadsWhatIsNotUTF8: Kong's record holds headers as the client sent them.
func TestLogReadsWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	spans := &keptSpans{}
	config := newConfig(t, traceinject.Options{Exporter: spans}, nil)
	record := "{\"started_at\": 1767225600000, \"request\": {\"method\": \"GET\", \"headers\": {\"user-agent\": \"caf\xe9\"}}}"
	kongtest.Run(t, config.Log, kongtest.Request{Log: record})
	closeRuntime(t, config)
	if len(spans.get()) != 1 {
		t.Errorf("%d spans, want 1", len(spans.get()))
	}
}

// TestFailsOpen: a lost connection in mid-event changes and answers nothing.
func TestFailsOpen(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"kong.nginx.get_var", "kong.ctx.shared.set", "kong.log.set_serialize_value", "kong.response.set_headers", "kong.service.request.set_headers"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			config := newConfig(t, traceinject.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))}, nil)
			effects := kongtest.Run(t, config.Access, kongtest.Request{Throws: []string{method}})
			if effects.Exit != nil || len(effects.Service.Ops) > 0 {
				t.Errorf("exit %v, upstream changes %v", effects.Exit, effects.Service.Ops)
			}
			if !strings.Contains(log.String(), `"level":"WARN"`) {
				t.Errorf("log says %q", log.String())
			}
		})
	}
}

func TestRequestsAreCountedByOrigin(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	config := newConfig(t, traceinject.Options{Registerer: registry}, nil)
	for _, parent := range []string{"", clientParent, "nonsense", "nonsense"} {
		kongtest.Run(t, config.Access, kongtest.Request{Headers: http.Header{"traceparent": {parent}}})
	}
	want := `# HELP gatehouse_trace_requests_total Requests given a trace, by origin: started, invalid (the client's traceparent was), continued, linked, restarted.
# TYPE gatehouse_trace_requests_total counter
gatehouse_trace_requests_total{origin="invalid"} 2
gatehouse_trace_requests_total{origin="linked"} 1
gatehouse_trace_requests_total{origin="started"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "gatehouse_trace_requests_total"); err != nil {
		t.Error(err)
	}
}

func closeRuntime(t *testing.T, config *traceinject.Config) {
	t.Helper()
	if err := traceinject.RuntimeOf(config).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
