package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// ourPlugins are plugins of ours for one route: apart, or in one hop, by E2E_PLUGINS.
func ourPlugins(configs map[string]map[string]any) []any {
	if oneHop() {
		var run []string
		config := map[string]any{}
		for name, one := range configs {
			section := strings.ReplaceAll(name, "-", "_")
			run, config[section] = append(run, section), one
		}
		config["run"] = run
		return []any{map[string]any{"name": "gatehouse", "config": config}}
	}
	var list []any
	for name, one := range configs {
		list = append(list, map[string]any{"name": name, "config": one})
	}
	return list
}

// traced is a trace-inject of one route's, beside the limiter that vouches for who asks.
func traced(config map[string]any) []any {
	limits := []any{map[string]any{"name": "any", "limit": 1000000, "window_seconds": 60, "scope": []string{"route"}}}
	return ourPlugins(map[string]map[string]any{"trace-inject": config, "tenant-rate-limit": {"limits": limits}})
}

// addTraced adds a way to the orders service with plugins of its own.
func addTraced(t *testing.T, config map[string]any, name string, plugins []any) {
	t.Helper()
	addOrdersService(t, config, map[string]any{
		"name": name, "path": "/v2/orders", "plugins": append(plugins, map[string]any{"name": "key-auth", "config": map[string]any{"hide_credentials": true}}),
		"routes": []any{map[string]any{"name": name, "paths": []string{"/" + name}}},
	})
}

// sentOn is the traceparent that the orders service got, in its four parts.
func sentOn(t *testing.T, a answer) []string {
	t.Helper()
	return strings.Split(receivedOnce(t, services.Orders, a.traceID(t)).Header.Get("Traceparent"), "-")
}

// gatewaySpans waits for so many spans of a trace and the gateway's own among them: the server's, and the calls in
// the order in which they were made.
func gatewaySpans(t *testing.T, traceID string, count int) (server otlpsink.Span, calls []otlpsink.Span) {
	t.Helper()
	var all []otlpsink.Span
	eventually(t, "the gateway's span above the others", func() bool {
		all = spans(t, traceID, count)
		return len(rootsOf(all)) == 1
	})
	gateway := onlyRoot(t, all)
	for _, span := range childrenOf(all, gateway) {
		if span.Service == gateway.Service {
			calls = append(calls, span)
		}
	}
	slices.SortFunc(calls, func(a, b otlpsink.Span) int { return a.Start.Compare(b.Start) })
	return gateway, calls
}

func wantAttributes(t *testing.T, span otlpsink.Span, want map[string]any) {
	t.Helper()
	for key, value := range want {
		if got := span.Attributes[key]; fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s of %s %q is %v, want %v", key, span.Kind, span.Name, got, value)
		}
	}
}

// TestSampledByRoute: a route has a ratio of its own, and what the service is told is by it.
func TestSampledByRoute(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "never-traced", traced(map[string]any{"sample_ratio": 0}))
		addTraced(t, config, "always-traced", traced(map[string]any{"sample_ratio": 1}))
	})()
	never := get(t, "/never-traced", partnerKey).wantStatus(t, http.StatusOK)
	if flags := sentOn(t, never)[3]; flags != "02" {
		t.Errorf("the service is told flags %s on the route that samples nothing, want 02", flags)
	}
	always := get(t, "/always-traced", partnerKey).wantStatus(t, http.StatusOK)
	if flags := sentOn(t, always)[3]; flags != "03" {
		t.Errorf("the service is told flags %s on the route that samples all, want 03", flags)
	}
	gatewaySpans(t, always.traceID(t), 3) // and so what came before had time to arrive
	wantNoSpans(t, never)
}

func wantNoSpans(t *testing.T, a answer) {
	t.Helper()
	var held []otlpsink.Span
	if err := fetchJSON(t, gate.receiver+"/traces/"+a.traceID(t), &held); err == nil && len(held) > 0 {
		t.Errorf("a trace that is not sampled has spans: %v", names(held))
	}
}

// TestErrorsAreKept: what fails or is slow has the gateway's own spans though the ratio said
// no, unless the client's trace says so too. The service has been told no in any case.
func TestErrorsAreKept(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "kept", traced(map[string]any{
			"sample_ratio": 0, "keep_errors": true, "keep_statuses": []int{404}, "keep_slow_ms": 400, "incoming": "continue",
		}))
	})()
	fine := get(t, "/kept", partnerKey).wantStatus(t, http.StatusOK)
	missing := get(t, "/kept/no/such/page", partnerKey).wantStatus(t, http.StatusNotFound)
	fault(t, services.Orders, `{"status": 503}`)
	failed := get(t, "/kept", partnerKey).wantStatus(t, http.StatusServiceUnavailable)
	refused := get(t, "/kept", partnerKey, "traceparent: 00-5e9ac1f0c2b84d0f9d3f5a7711c0de21-00f067aa0ba902b7-00").wantStatus(t, http.StatusServiceUnavailable)
	fault(t, services.Orders, `{"latency_ms": 500}`)
	slow := get(t, "/kept", partnerKey).wantStatus(t, http.StatusOK)
	for _, tt := range []struct {
		answer
		why string
	}{{missing, "status"}, {failed, "status"}, {slow, "slow"}} {
		if flags := sentOn(t, tt.answer)[3]; flags != "02" {
			t.Errorf("the service is told flags %s, want 02", flags)
		}
		server, calls := gatewaySpans(t, tt.traceID(t), 2)
		wantAttributes(t, server, map[string]any{"gatehouse.trace.kept": tt.why})
		if len(calls) != 1 {
			t.Errorf("%d spans of tries, want 1", len(calls))
		}
	}
	wantNoSpans(t, fine)
	wantNoSpans(t, refused)
}

// TestForcedTraces: of traces that clients say are sampled, only so many are in a second.
func TestForcedTraces(t *testing.T) {
	const most, asked = 3, 20
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "forced", traced(map[string]any{"sample_ratio": 0, "incoming": "continue", "max_parent_sampled_per_second": most}))
	})()
	began, sampled := time.Now(), 0
	for i := range asked {
		a := get(t, "/forced", partnerKey, fmt.Sprintf("traceparent: 00-%032x-00f067aa0ba902b7-01", time.Now().UnixNano()+int64(i))).wantStatus(t, http.StatusOK)
		if sentOn(t, a)[3] == "01" {
			sampled++
		}
	}
	if seconds := int(time.Since(began)/time.Second) + 1; sampled < most || sampled > most*(seconds+1) {
		t.Errorf("%d of %d traces are sampled by their client's word in %d s, want %d a second", sampled, asked, seconds, most)
	}
}

// TestTriesHaveSpans: each try of an upstream has a span under the gateway's, and the
// service's parent is the last one.
func TestTriesHaveSpans(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addOrdersService(t, config, map[string]any{
			"name": "tried", "path": "/v2/orders", "retries": 1, "read_timeout": 400, "plugins": []any{map[string]any{"name": "key-auth"}},
			"routes": []any{map[string]any{"name": "tried", "paths": []string{"/tried"}}},
		})
	})()
	a := get(t, "/tried", partnerKey).wantStatus(t, http.StatusOK)
	server, calls := gatewaySpans(t, a.traceID(t), 3)
	if len(calls) != 1 || sentOn(t, a)[2] != calls[0].SpanID {
		t.Fatalf("calls %+v, want the one that the service got as its parent", calls)
	}
	wantWithin(t, server, calls[0])
	wantAttributes(t, calls[0], map[string]any{"http.request.method": "GET", "http.response.status_code": 200, "error.type": nil, "http.request.resend_count": nil})
	if calls[0].Attributes["server.address"] == nil || calls[0].Attributes["server.port"] == nil {
		t.Errorf("attributes %v have no target", calls[0].Attributes)
	}

	fault(t, services.Orders, `{"hang": true}`)
	a = get(t, "/tried", partnerKey).wantStatus(t, http.StatusGatewayTimeout)
	server, calls = gatewaySpans(t, a.traceID(t), 3)
	if len(calls) != 2 {
		t.Fatalf("%d calls, want 2: %+v", len(calls), calls)
	}
	for i, count := range []any{nil, 1} {
		wantAttributes(t, calls[i], map[string]any{"error.type": "timeout", "http.response.status_code": nil, "http.request.resend_count": count})
		wantWithin(t, server, calls[i])
		if took := calls[i].End.Sub(calls[i].Start); took < 300*time.Millisecond || calls[i].Status != "error" {
			t.Errorf("try %d took %v and is %s, want an error after the timeout of 400 ms", i, took, calls[i].Status)
		}
	}
	for _, r := range received(t, services.Orders, a.traceID(t)) {
		if parent := strings.Split(r.Header.Get("Traceparent"), "-")[2]; parent != calls[1].SpanID {
			t.Errorf("a target got %s as its parent, want the last try's %s", parent, calls[1].SpanID)
		}
	}
}

// TestRetryIsInTheTrace: of two targets one drops its connections. A request that meets it
// has a span for each of its two tries, and the service's spans are under the last.
func TestRetryIsInTheTrace(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addOrdersService(t, config, map[string]any{
			"name": "retried", "path": "/v2/orders", "retries": 1, "plugins": []any{map[string]any{"name": "key-auth"}},
			"routes": []any{map[string]any{"name": "retried", "paths": []string{"/retried"}}},
		})
	})()
	faultAt(t, services.Orders, gate.services[services.Orders][:1], `{"reset": true}`)
	var server otlpsink.Span
	var calls []otlpsink.Span
	for range 10 { // targets take turns, in each worker
		a := get(t, "/retried", partnerKey).wantStatus(t, http.StatusOK)
		server, calls = gatewaySpans(t, a.traceID(t), 3)
		if len(calls) > 1 {
			break
		}
	}
	if len(calls) != 2 {
		t.Fatalf("%d calls, want one request of ten with 2: %+v", len(calls), calls)
	}
	wantAttributes(t, server, map[string]any{"http.response.status_code": 200, "error.type": nil, "kong.upstream.tries": 2})
	wantAttributes(t, calls[0], map[string]any{"error.type": "connection_error", "http.response.status_code": nil, "http.request.resend_count": nil})
	wantAttributes(t, calls[1], map[string]any{"error.type": nil, "http.response.status_code": 200, "http.request.resend_count": 1})
	if calls[0].Attributes["server.port"] == calls[1].Attributes["server.port"] && calls[0].Attributes["server.address"] == calls[1].Attributes["server.address"] {
		t.Errorf("both tries are of %v:%v", calls[0].Attributes["server.address"], calls[0].Attributes["server.port"])
	}
	all := spans(t, server.TraceID, 5)
	served := childrenOf(all, calls[1]) // both targets got the same parent
	if !slices.ContainsFunc(served, func(s otlpsink.Span) bool { return fmt.Sprint(s.Attributes["http.response.status_code"]) == "200" }) {
		t.Errorf("below the last try are %v, want the service's span that answered", names(served))
	}
	for _, s := range served {
		if s.Kind != "server" || s.Service != services.Orders {
			t.Errorf("below the last try is a %s span of %s, want the service's", s.Kind, s.Service)
		}
	}
	if lost := childrenOf(all, calls[0]); len(lost) > 0 {
		t.Errorf("below the try that nobody answered are %v", names(lost))
	}
}

// wantWithin wants a span to begin and end within another.
func wantWithin(t *testing.T, outer, inner otlpsink.Span) {
	t.Helper()
	if inner.Start.Before(outer.Start) || inner.End.After(outer.End) {
		t.Errorf("%v to %v is not within %v to %v", inner.Start, inner.End, outer.Start, outer.End)
	}
}

// TestNoSpansOfTries: without them the service's parent is the gateway's span.
func TestNoSpansOfTries(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "untried", traced(map[string]any{"upstream_spans": false}))
	})()
	a := get(t, "/untried", partnerKey).wantStatus(t, http.StatusOK)
	server, calls := gatewaySpans(t, a.traceID(t), 2)
	if len(calls) != 0 || sentOn(t, a)[2] != server.SpanID {
		t.Errorf("calls %+v, parent %s, want no call and the parent %s", calls, sentOn(t, a)[2], server.SpanID)
	}
}

// TestClientIsToldItsSpan: by traceresponse and Server-Timing where the config says so; and
// the span tells of headers.
func TestClientIsToldItsSpan(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "told", traced(map[string]any{
			"traceresponse": true, "server_timing": "traceparent", "header_attributes": []string{"X-App-Version", "X-Absent"},
		}))
	})()
	a := get(t, "/told", partnerKey, "X-App-Version: 2.4 (joe@example.com)").wantStatus(t, http.StatusOK)
	server, _ := gatewaySpans(t, a.traceID(t), 3)
	own := "00-" + server.TraceID + "-" + server.SpanID + "-03"
	if got := a.header.Values("Traceresponse"); !slices.Equal(got, []string{own}) {
		t.Errorf("traceresponse %q, want %q", got, own)
	}
	if got := a.header.Values("Server-Timing"); !slices.Equal(got, []string{`traceparent;desc="` + own + `"`}) {
		t.Errorf("Server-Timing %q, want the span %q in it", got, own)
	}
	wantAttributes(t, server, map[string]any{"http.request.header.x-app-version": []any{"2.4 ([email])"}, "http.request.header.x-absent": nil})
	if got := get(t, "/partner/v2/orders", partnerKey).header; got.Get("Traceresponse") != "" || got.Get("Server-Timing") != "" {
		t.Errorf("headers %v where the config does not say so", got)
	}
}

// TestServerTimingIsShared: a service's own line of it goes beside ours.
func TestServerTimingIsShared(t *testing.T) {
	needHere(t)
	const own = "db;dur=53"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server-Timing", own) }))
	defer service.Close()
	defer useConfig(t, func(config map[string]any) {
		config["upstreams"] = append(config["upstreams"].([]any), map[string]any{
			"name": "timed.upstream", "targets": []any{map[string]any{"target": service.Listener.Addr().String()}},
		})
		config["services"] = append(config["services"].([]any), map[string]any{
			"name": "timed", "protocol": "http", "host": "timed.upstream", "plugins": traced(map[string]any{"server_timing": "traceparent"}),
			"routes": []any{map[string]any{"name": "timed", "paths": []string{"/timed"}}},
		})
	})()
	a := get(t, "/timed").wantStatus(t, http.StatusOK)
	got := a.header.Values("Server-Timing")
	if !slices.Contains(got, own) || !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, `traceparent;desc="00-`+a.traceID(t)) }) || len(got) != 2 {
		t.Errorf("Server-Timing %q, want the service's line and ours", got)
	}
}

// TestRouteTellsItsOwnTrace: what the global configuration told the client before there was
// a route does not stay where the route's tells nothing of the kind.
func TestRouteTellsItsOwnTrace(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		global := globalSection(t, config, "trace-inject")
		global["traceresponse"], global["server_timing"] = true, "traceparent"
		addTraced(t, config, "reticent", traced(map[string]any{"response_header": "Request-Trace"}))
	})()
	for what, a := range map[string]answer{
		"a request": get(t, "/reticent", partnerKey).wantStatus(t, http.StatusOK),
		"a refusal": get(t, "/reticent", partnerKey, "Connection: traceparent").wantStatus(t, http.StatusBadRequest),
	} {
		for _, name := range []string{"X-Trace-Id", "Traceresponse", "Server-Timing"} {
			if values := a.header.Values(name); len(values) > 0 {
				t.Errorf("%s: %s is %q, and the route's configuration sends none", what, name, values)
			}
		}
		if a.header.Get("Request-Trace") == "" {
			t.Errorf("%s: headers %v, want Request-Trace", what, a.header)
		}
	}
	if a := get(t, "/nowhere"); a.header.Get("Traceresponse") == "" {
		t.Errorf("headers %v of a 404, want traceresponse", a.header)
	}
}

// TestDecisionsAreInSpans: what the limiter and the lifecycle decided, and by which limit.
func TestDecisionsAreInSpans(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addTraced(t, config, "decided", ourPlugins(map[string]map[string]any{
			"trace-inject":      {},
			"sunset-headers":    {"deprecated_at": "2020-01-01T00:00:00Z"},
			"tenant-rate-limit": {"limits": []any{map[string]any{"name": "one-a-day", "limit": 1, "window_seconds": 86400, "scope": []string{"route"}}}},
		}))
	})()
	server, _ := gatewaySpans(t, get(t, "/decided", partnerKey).wantStatus(t, http.StatusOK).traceID(t), 3)
	wantAttributes(t, server, map[string]any{
		"gatehouse.rate_limit.decision": "allowed", "gatehouse.rate_limit.limit": nil, "gatehouse.deprecation.state": "deprecated",
	})
	server, _ = gatewaySpans(t, get(t, "/decided", partnerKey).wantStatus(t, http.StatusTooManyRequests).traceID(t), 1)
	wantAttributes(t, server, map[string]any{"gatehouse.rate_limit.decision": "limited", "gatehouse.rate_limit.limit": "one-a-day"})
}
