package sunsetheaders_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk/entities"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

var (
	before = time.Date(2027, 6, 29, 0, 0, 0, 0, time.UTC)
	end    = time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
)

func newConfig(t *testing.T, o sunsetheaders.Options, edit func(*sunsetheaders.Config)) *sunsetheaders.Config {
	t.Helper()
	runtime, err := sunsetheaders.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runtime.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	config := runtime.New().(*sunsetheaders.Config)
	config.DeprecatedAt, config.SunsetAt, config.Successor = "2026-01-15", "2027-06-30", "/partner/v2/orders"
	if edit != nil {
		edit(config)
	}
	if err := config.Provision(); err != nil {
		t.Fatal(err)
	}
	return config
}

func clock(now time.Time) func() time.Time { return func() time.Time { return now } }

func partner() kongtest.Request {
	return kongtest.Request{
		Path:     "/partner/v1/orders/4711",
		Route:    &entities.Route{Id: "r1", Name: "partner-orders-v1", Paths: []string{"/partner/v1/orders", "/partner"}},
		Consumer: &entities.Consumer{Id: "c1", Username: "initech-erp", CustomId: "initech"}, CredentialID: "k1",
	}
}

func TestAccessAnnounces(t *testing.T) {
	t.Parallel()
	config := newConfig(t, sunsetheaders.Options{Now: clock(before)}, nil)
	effects := kongtest.Run(t, config.Access, partner())
	want := http.Header{
		"Deprecation": {"@1768435200"}, "Sunset": {"Wed, 30 Jun 2027 00:00:00 GMT"},
		"Link": {`</partner/v2/orders>; rel="successor-version"`},
	}
	if diff := cmp.Diff(want, effects.Response.Headers); diff != "" {
		t.Errorf("response headers (-want +got):\n%s", diff)
	}
	calls := []string{"kong.router.get_route", "kong.client.get_consumer", "kong.client.get_credential", "kong.log.set_serialize_value", "kong.response.set_headers"}
	if diff := cmp.Diff(calls, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if effects.Exit != nil || len(effects.Service.Ops) > 0 {
		t.Errorf("exit %v, upstream changes %v", effects.Exit, effects.Service.Ops)
	}
}

func TestAccessRefusesAfterTheEnd(t *testing.T) {
	t.Parallel()
	config := newConfig(t, sunsetheaders.Options{Now: clock(end)}, nil)
	effects := kongtest.Run(t, config.Access, partner())
	if effects.Exit == nil || effects.Exit.Status != http.StatusGone {
		t.Fatalf("exit %v, want 410", effects.Exit)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Sunset": "Wed, 30 Jun 2027 00:00:00 GMT",
		"Deprecation": "@1768435200", "Link": `</partner/v2/orders>; rel="successor-version"`,
	} {
		if got := effects.Exit.Headers.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(string(effects.Exit.Body), `"successor":"/partner/v2/orders"`) {
		t.Errorf("body %s", effects.Exit.Body)
	}
	if last := effects.Calls[len(effects.Calls)-1]; last != "kong.response.exit" {
		t.Errorf("%s is called after the exit, which has no one to answer it", last)
	}
}

func TestAccessExempts(t *testing.T) {
	t.Parallel()
	config := newConfig(t, sunsetheaders.Options{Now: clock(end)}, func(c *sunsetheaders.Config) {
		c.Exemptions = []sunsetheaders.Exemption{{Consumer: "initech", Until: "2027-09-30"}}
	})
	if effects := kongtest.Run(t, config.Access, partner()); effects.Exit != nil || effects.Response.Headers.Get("Sunset") != "Thu, 30 Sep 2027 00:00:00 GMT" {
		t.Errorf("exit %v, headers %v", effects.Exit, effects.Response.Headers)
	}
	stranger := partner()
	stranger.Consumer = nil
	if effects := kongtest.Run(t, config.Access, stranger); effects.Exit == nil {
		t.Error("an anonymous caller is exempt")
	}
}

func TestAccessNamesTheResourcesOwnSuccessor(t *testing.T) {
	t.Parallel()
	withRest := func(c *sunsetheaders.Config) { c.Successor = "/partner/v2/orders{+rest}" }
	tests := []struct {
		name, path string
		paths      []string
		want       string
	}{
		{"longest prefix", "/partner/v1/orders/4711", []string{"/partner/v1/orders", "/partner"}, "/partner/v2/orders/4711"},
		{"prefix with a slash at its end", "/partner/v1/orders/4711", []string{"/partner/v1/orders/"}, "/partner/v2/orders/4711"},
		{"no rest", "/partner/v1/orders", []string{"/partner/v1/orders"}, "/partner/v2/orders"},
		{"regular expression", "/partner/v1/orders/4711", []string{"~/partner/v1/orders/(?<id>\\d+)$"}, "/partner/v2/orders"},
		{"route without paths", "/partner/v1/orders/4711", nil, "/partner/v2/orders"},
		{"what is not UTF-8", "/partner/v1/orders/\xff", []string{"/partner/v1/orders"}, "/partner/v2/orders/%FF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, sunsetheaders.Options{Now: clock(before)}, withRest)
			request := partner()
			request.Path, request.Route.Paths = tt.path, tt.paths
			got := kongtest.Run(t, config.Access, request).Response.Headers.Get("Link")
			if want := "<" + tt.want + `>; rel="successor-version"`; got != want {
				t.Errorf("Link: %s, want %s", got, want)
			}
		})
	}
}

// TestAccessFailsOpen: a lost connection in mid-event answers nothing.
func TestAccessFailsOpen(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"kong.client.get_consumer", "kong.client.get_credential", "kong.router.get_route", "kong.request.get_path", "kong.response.set_headers"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			config := newConfig(t, sunsetheaders.Options{Now: clock(before), Logger: slog.New(slog.NewJSONHandler(&log, nil))},
				func(c *sunsetheaders.Config) { c.Successor = "/v2{+rest}" })
			request := partner()
			request.Throws = []string{method}
			if effects := kongtest.Run(t, config.Access, request); effects.Exit != nil {
				t.Errorf("exit %v", effects.Exit)
			}
			if !strings.Contains(log.String(), `"level":"WARN"`) {
				t.Errorf("log says %q", log.String())
			}
		})
	}
}

func TestMetricsSayWhoStillCalls(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	now := before
	config := newConfig(t, sunsetheaders.Options{Registerer: registry, Now: func() time.Time { return now }, MaxCallers: 2}, nil)
	caller := func(c *entities.Consumer) {
		request := partner()
		request.Consumer = c
		kongtest.Run(t, config.Access, request)
	}
	caller(&entities.Consumer{Id: "c1", Username: "initech-erp"})
	caller(&entities.Consumer{Id: "c2", CustomId: "globex"})
	for i := range 3 { // past the cap
		caller(&entities.Consumer{Id: fmt.Sprintf("c%d", 10+i)})
	}
	now = end
	caller(&entities.Consumer{Id: "c1", Username: "initech-erp"})
	caller(nil) // past the cap as well
	want := `# HELP gatehouse_sunset_end_timestamp_seconds When an API version that was called ends, in Unix time. A version without an end has none.
# TYPE gatehouse_sunset_end_timestamp_seconds gauge
gatehouse_sunset_end_timestamp_seconds{route="partner-orders-v1"} 1.8143136e+09
# HELP gatehouse_sunset_last_seen_timestamp_seconds When a consumer last called an API version that is going to end, in Unix time.
# TYPE gatehouse_sunset_last_seen_timestamp_seconds gauge
gatehouse_sunset_last_seen_timestamp_seconds{consumer="globex",route="partner-orders-v1"} 1.8142272e+09
gatehouse_sunset_last_seen_timestamp_seconds{consumer="initech-erp",route="partner-orders-v1"} 1.8143136e+09
gatehouse_sunset_last_seen_timestamp_seconds{consumer="other",route="partner-orders-v1"} 1.8143136e+09
# HELP gatehouse_sunset_requests_total Requests to API versions that are going to end, by route, consumer and stage: announced, deprecated, brownout, exempt, overdue, gone, redirected, degraded; in a dry run dry-run-brownout, dry-run-gone and dry-run-redirected.
# TYPE gatehouse_sunset_requests_total counter
gatehouse_sunset_requests_total{consumer="globex",route="partner-orders-v1",stage="deprecated"} 1
gatehouse_sunset_requests_total{consumer="initech-erp",route="partner-orders-v1",stage="deprecated"} 1
gatehouse_sunset_requests_total{consumer="initech-erp",route="partner-orders-v1",stage="gone"} 1
gatehouse_sunset_requests_total{consumer="other",route="partner-orders-v1",stage="deprecated"} 3
gatehouse_sunset_requests_total{consumer="other",route="partner-orders-v1",stage="gone"} 1
# HELP gatehouse_sunset_unrecorded_requests_total Requests that gatehouse sunset report will not know of: there was no room for them, or Redis did not answer to the end.
# TYPE gatehouse_sunset_unrecorded_requests_total counter
gatehouse_sunset_unrecorded_requests_total 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestDecideTakesAnyLabel: the metrics library panics on a label that is not
// UTF-8, and a caller of Decide may not have checked.
func TestDecideTakesAnyLabel(t *testing.T) {
	t.Parallel()
	config := newConfig(t, sunsetheaders.Options{Now: clock(before)}, nil)
	if d := config.Announcer().Decide(lifecycle.Caller{Username: "\xff", Route: "\xfe"}); d.Refusal != nil {
		t.Errorf("refused: %v", d.Refusal)
	}
}

func TestAnonymousCallerHasAName(t *testing.T) {
	t.Parallel()
	if name := (lifecycle.Caller{}).Name(); name != "anonymous" {
		t.Errorf("name %q", name)
	}
}

func TestMetricsRegisterOnce(t *testing.T) {
	t.Parallel()
	o := sunsetheaders.Options{Registerer: prometheus.NewRegistry()}
	if _, err := sunsetheaders.NewRuntime(o); err != nil {
		t.Fatal(err)
	}
	if _, err := sunsetheaders.NewRuntime(o); err == nil {
		t.Error("a second runtime registered the same metrics without an error")
	}
}
