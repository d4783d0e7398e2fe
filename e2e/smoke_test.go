package e2e

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/internal/telemetry"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub/spanscrub"
	"github.com/gatehousehq/gatehouse/plugins/smoke"
	traces "github.com/gatehousehq/gatehouse/plugins/smoke/backend"
	"github.com/gatehousehq/gatehouse/plugins/smoke/plan"
)

// TestSmoke smokes every route of the config: nothing is wrong with any, by the spans and
// by what the services received.
func TestSmoke(t *testing.T) {
	o := smokeOptions(t, gate.config)
	for name, processes := range gate.services {
		for _, base := range processes {
			o.Services = append(o.Services, &traces.Requests{Client: traces.Client{HTTP: http.DefaultClient, Base: base}, Service: name})
		}
	}
	report := runSmoke(t, o)
	if !report.Good || report.LookedAt != smoke.LookedAtHops || len(report.Routes) != 7 {
		t.Errorf("good %v, by %s, %d routes", report.Good, report.LookedAt, len(report.Routes))
	}
	for _, route := range report.Routes {
		if len(route.Spans) < 2 || !slices.Contains(route.Services, "orders") {
			t.Errorf("%s: %d spans, and noted by %v", route.Name, len(route.Spans), route.Services)
		}
	}
}

// TestSmokeAnswers looks at the answers alone, as for a node without a trace backend.
func TestSmokeAnswers(t *testing.T) {
	o := smokeOptions(t, gate.config)
	o.Backend = nil
	if report := runSmoke(t, o); !report.Good || report.LookedAt != smoke.LookedAtAnswers {
		t.Errorf("good %v, by %s", report.Good, report.LookedAt)
	}
}

func smokeOptions(t *testing.T, config []byte) smoke.Options {
	t.Helper()
	variables := map[string]string{plan.KeyVariable: strings.TrimPrefix(partnerKey, "apikey: ")}
	for _, client := range []devtoken.Client{devtoken.Web, devtoken.Mobile} {
		variables[plan.Variable(plan.TokenVariable, string(client)+"-app")] = strings.TrimPrefix(bearer(t, client, "acme", "u1"), "Authorization: Bearer ")
	}
	return smoke.Options{
		Config: config, Gateway: gate.proxy,
		Routes:  plan.Options{Getenv: func(name string) string { return variables[name] }},
		Backend: &traces.Receiver{Client: traces.Client{HTTP: http.DefaultClient, Base: gate.receiver}},
	}
}

func runSmoke(t *testing.T, o smoke.Options) smoke.Report {
	t.Helper()
	report, err := smoke.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	return report
}

// hop is a service of a test's own, which makes spans as BFFs and services do.
type hop struct {
	address   string
	telemetry *telemetry.Telemetry
}

// startHop serves with the propagators of the environment's OTEL_PROPAGATORS.
func startHop(t *testing.T, name, propagators string, serve func(h *hop, w http.ResponseWriter, r *http.Request)) *hop {
	t.Helper()
	for variable, value := range map[string]string{
		"OTEL_PROPAGATORS": propagators, "OTEL_SERVICE_NAME": name,
		"OTEL_EXPORTER_OTLP_ENDPOINT": gate.receiver, "OTEL_BSP_SCHEDULE_DELAY": "100",
	} {
		t.Setenv(variable, value)
	}
	made, err := telemetry.New(t.Context(), telemetry.Options{Service: name, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Scrub: spanscrub.Default})
	if err != nil {
		t.Fatal(err)
	}
	h := &hop{telemetry: made}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(h, w, r) })
	server := httptest.NewServer(made.Handler(handler, func(r *http.Request) string { return r.URL.Path }))
	h.address = strings.TrimPrefix(server.URL, "http://")
	t.Cleanup(func() {
		server.Close()
		if err := made.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func answerNothing(_ *hop, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// callAll serves by calling others. context and header are what of the request goes on.
func callAll(others []*hop, goesOn func(*http.Request) (context.Context, http.Header)) func(*hop, http.ResponseWriter, *http.Request) {
	return func(h *hop, w http.ResponseWriter, r *http.Request) {
		ctx, header := goesOn(r)
		for _, other := range others {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+other.address+"/v1", http.NoBody)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			req.Header = header.Clone()
			resp, err := h.telemetry.Client(http.DefaultTransport).Do(req)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// TestSmokeNamesTheHop takes the trace out of one hop after the other.
func TestSmokeNamesTheHop(t *testing.T) {
	notShort(t)
	if !gate.here {
		t.Skip("the gateway is to reach what this test listens on")
	}
	whole := func(r *http.Request) (context.Context, http.Header) { return r.Context(), http.Header{} }
	anew := func(*http.Request) (context.Context, http.Header) { return t.Context(), http.Header{} }
	leaking := func(r *http.Request) (context.Context, http.Header) {
		return r.Context(), http.Header{"B3": r.Header.Values("B3")}
	}
	for name, tc := range map[string]struct {
		front, orders, users string // their propagators
		goesOn               func(*http.Request) (context.Context, http.Header)
		tracing              map[string]any // of trace-inject; nil: it does not run
		want                 []string
	}{
		"good":                     {"", "", "", whole, map[string]any{}, nil},
		"continued":                {"", "", "", whole, map[string]any{"incoming": "continue"}, nil},
		"the gateway is off":       {"", "", "", whole, nil, []string{"gateway drops", "gateway leaks"}},
		"the first reads none":     {"none", "", "", whole, map[string]any{}, []string{"front restarts"}},
		"a service reads none":     {"", "", "none", whole, map[string]any{}, []string{"users restarts"}},
		"both services read none":  {"", "none", "none", whole, map[string]any{}, []string{"orders restarts", "users restarts"}},
		"the first restarts":       {"", "", "", anew, map[string]any{}, []string{"front restarts", "front restarts"}},
		"the first leaks":          {"", "b3", "", leaking, map[string]any{"pass_headers": []string{"b3"}}, []string{"front leaks"}},
		"another than it was told": {"", "", "", whole, map[string]any{"incoming": "continue"}, []string{"gateway leaks"}},
	} {
		t.Run(name, func(t *testing.T) {
			orders, users := startHop(t, "orders", tc.orders, answerNothing), startHop(t, "users", tc.users, answerNothing)
			front := startHop(t, "front", tc.front, callAll([]*hop{orders, users}, tc.goesOn))
			change := func(config map[string]any) { addFront(config, front, tc.tracing) }
			defer useConfig(t, change)()
			o := smokeOptions(t, changed(t, change))
			if name == "another than it was told" {
				o = smokeOptions(t, changed(t, func(config map[string]any) { addFront(config, front, map[string]any{}) }))
			}
			o.Routes.Only = []string{"front"}
			if tc.want != nil {
				o.Wait = 3 * time.Second
			}
			report := runSmoke(t, o)
			at := slices.IndexFunc(report.Routes, func(r smoke.Route) bool { return r.Name == "front" })
			var got []string
			for _, f := range report.Routes[at].Findings {
				got = append(got, f.Hop+" "+string(f.Kind))
			}
			if !slices.Equal(got, tc.want) || report.Good != (tc.want == nil) {
				t.Errorf("good %v, findings %q, want %q", report.Good, got, tc.want)
			}
		})
	}
}

// addFront has the gateway send /front to a hop, with trace-inject there as said.
func addFront(config map[string]any, front *hop, tracing map[string]any) {
	config["upstreams"] = append(config["upstreams"].([]any), map[string]any{
		"name": "front.upstream", "targets": []any{map[string]any{"target": front.address}},
	})
	service := map[string]any{
		"name": "front", "host": "front.upstream", "routes": []any{map[string]any{"name": "front", "paths": []string{"/front"}}},
	}
	switch {
	case oneHop():
		own := map[string]any{"run": []string{"pii_log_scrub"}, "pii_log_scrub": map[string]any{}}
		if tracing != nil {
			own = map[string]any{"run": []string{"pii_log_scrub", "trace_inject"}, "pii_log_scrub": map[string]any{}, "trace_inject": tracing}
		}
		service["plugins"] = []any{map[string]any{"name": "gatehouse", "config": own}}
	case tracing != nil:
		service["plugins"] = []any{map[string]any{"name": "trace-inject", "config": tracing}}
	default:
		config["plugins"] = slices.DeleteFunc(slices.Clone(config["plugins"].([]any)), func(p any) bool {
			return p.(map[string]any)["name"] == "trace-inject"
		})
	}
	config["services"] = append(config["services"].([]any), service)
}
