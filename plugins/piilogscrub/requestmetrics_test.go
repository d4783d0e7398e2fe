package piilogscrub_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// end is the end of a request, as Kong's log phase tells it.
func end(route string, status int, took, inKong float64) string {
	return fmt.Sprintf(`{"request":{"id":"1","method":"GET","uri":"/x"},"route":{"name":%q},"response":{"status":%d},"latencies":{"request":%g,"kong":%g,"proxy":1},"source":"upstream"}`,
		route, status, took, inKong)
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := newConfig(t, piilogscrub.Options{Registerer: registry}, nil)
	for _, log := range []string{
		end("web", 200, 40, 1), end("web", 204, 90, 4), end("web", 429, 1, 1), end("web", 503, 2000, 6),
		end("", 404, 1, 1), end("", 0, 1, 1),
	} {
		kongtest.Run(t, c.Log, kongtest.Request{Log: log})
	}
	compareMetrics(t, registry, `# HELP gatehouse_requests_total Requests that are over, by route (none: no route is known; the first 200 have a label each) and class of status: 1xx to 5xx, or unknown where the access line is overdue.
# TYPE gatehouse_requests_total counter
gatehouse_requests_total{route="none",status_class="1xx"} 0
gatehouse_requests_total{route="none",status_class="2xx"} 0
gatehouse_requests_total{route="none",status_class="3xx"} 0
gatehouse_requests_total{route="none",status_class="4xx"} 1
gatehouse_requests_total{route="none",status_class="5xx"} 0
gatehouse_requests_total{route="none",status_class="unknown"} 1
gatehouse_requests_total{route="web",status_class="1xx"} 0
gatehouse_requests_total{route="web",status_class="2xx"} 2
gatehouse_requests_total{route="web",status_class="3xx"} 0
gatehouse_requests_total{route="web",status_class="4xx"} 1
gatehouse_requests_total{route="web",status_class="5xx"} 1
gatehouse_requests_total{route="web",status_class="unknown"} 0
# HELP gatehouse_gateway_duration_seconds Time of a request that no upstream took, by route: Kong's own, its plugins', and the client's where it is slow.
# TYPE gatehouse_gateway_duration_seconds histogram
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.001"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.002"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.005"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.01"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.025"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.05"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.1"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="0.5"} 1
gatehouse_gateway_duration_seconds_bucket{route="none",le="+Inf"} 1
gatehouse_gateway_duration_seconds_sum{route="none"} 0.001
gatehouse_gateway_duration_seconds_count{route="none"} 1
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.001"} 2
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.002"} 2
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.005"} 3
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.01"} 4
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.025"} 4
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.05"} 4
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.1"} 4
gatehouse_gateway_duration_seconds_bucket{route="web",le="0.5"} 4
gatehouse_gateway_duration_seconds_bucket{route="web",le="+Inf"} 4
gatehouse_gateway_duration_seconds_sum{route="web"} 0.012
gatehouse_gateway_duration_seconds_count{route="web"} 4
`, "gatehouse_requests_total", "gatehouse_gateway_duration_seconds")
}

// TestBucketsNameTraces: those that have spans, under an id that can be one.
func TestBucketsNameTraces(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, tc := range map[string]struct {
		id    any
		spans bool
		named bool
	}{
		"sampled":               {id, true, true},
		"not sampled":           {id, false, false},
		"no trace":              {nil, true, false},
		"ids by format":         {map[string]any{"w3c": id}, true, false},
		"another plugin's text": {strings.Repeat("x", 200), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrail(t)
			request := &kongrecord.Record{TraceID: tc.id, HasSpans: tc.spans}
			request.Response.Status = 200
			tr.Strictest().Ended(request, identity.Principal{})
			for _, histogram := range []string{"gatehouse_request_duration_seconds", "gatehouse_gateway_duration_seconds"} {
				if got := exemplarOf(t, tr.registry, histogram); got != "" != tc.named || tc.named && got != id {
					t.Errorf("%s names %q", histogram, got)
				}
			}
		})
	}
}

// exemplarOf is the trace that the first bucket of a histogram names; empty if it names none.
func exemplarOf(t *testing.T, registry prometheus.Gatherer, histogram string) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != histogram {
			continue
		}
		for _, label := range family.GetMetric()[0].GetHistogram().GetBucket()[0].GetExemplar().GetLabel() {
			return label.GetValue()
		}
		return ""
	}
	t.Fatalf("there is no %s", histogram)
	return ""
}

// TestCorrectionsAreNotCountedAgain: a request that was given up has been counted.
func TestCorrectionsAreNotCountedAgain(t *testing.T) {
	t.Parallel()
	tr := newTrail(t)
	request := &kongrecord.Record{Partial: true}
	request.Response.Status = 200
	tr.Strictest().Ended(request, identity.Principal{})
	again := *request
	again.Correction = true
	tr.Strictest().Ended(&again, identity.Principal{})
	compareMetrics(t, tr.registry, `# HELP gatehouse_requests_total Requests that are over, by route (none: no route is known; the first 200 have a label each) and class of status: 1xx to 5xx, or unknown where the access line is overdue.
# TYPE gatehouse_requests_total counter
gatehouse_requests_total{route="none",status_class="1xx"} 0
gatehouse_requests_total{route="none",status_class="2xx"} 1
gatehouse_requests_total{route="none",status_class="3xx"} 0
gatehouse_requests_total{route="none",status_class="4xx"} 0
gatehouse_requests_total{route="none",status_class="5xx"} 0
gatehouse_requests_total{route="none",status_class="unknown"} 0
`, "gatehouse_requests_total")
}

// TestRouteLabelsAreBounded: routes are the operator's, and may be thousands, or no text.
func TestRouteLabelsAreBounded(t *testing.T) {
	t.Parallel()
	tr := newTrail(t)
	s := tr.Strictest()
	for i := range 1000 {
		request := &kongrecord.Record{}
		request.Route.Name = fmt.Sprintf("route \xff %d", i)
		s.Ended(request, identity.Principal{})
	}
	if n, err := testutil.GatherAndCount(tr.registry, "gatehouse_requests_total"); n != 6*201 || err != nil {
		t.Errorf("%d series of 1000 routes, want 201 by 6 classes; %v", n, err)
	}
}

func compareMetrics(t *testing.T, registry prometheus.Gatherer, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}
