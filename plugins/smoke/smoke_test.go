package smoke_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke"
	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
	"github.com/gatehousehq/gatehouse/plugins/smoke/plan"
)

const (
	config   = "services: [{name: s, host: h, routes: [{name: r, paths: [/r]}]}]\nplugins: [{name: trace-inject, config: {incoming: %, sample_ratio: RATIO}}]"
	newTrace = "0af7651916cd43dd8448eb211c80319c"
	gateSpan = "b7ad6b7169203331"
)

func linking() []byte { return configOf("link", "1") }

func configOf(incoming, ratio string) []byte {
	return []byte(strings.NewReplacer("%", incoming, "RATIO", ratio).Replace(config))
}

// gateway answers with a status and a trace id, of which "client" is the client's.
func gateway(t *testing.T, status int, trace string) (address string, seen *atomic.Pointer[http.Request]) {
	t.Helper()
	seen = &atomic.Pointer[http.Request]{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r)
		id := trace
		if id == "client" {
			id = strings.Split(r.Header.Get("Traceparent"), "-")[1]
		}
		if id != "" {
			w.Header().Set("X-Trace-Id", id)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

func findings(report smoke.Report) (list []string) {
	for _, route := range report.Routes {
		for _, f := range route.Findings {
			list = append(list, f.Hop+" "+string(f.Kind))
		}
	}
	return list
}

// TestAnswers looks at answers alone.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		incoming, trace string
		status          int
		want            []string
	}{
		"link":                 {"link", newTrace, 200, nil},
		"continue":             {"continue", "client", 200, nil},
		"off":                  {"link", "", 200, []string{"gateway drops"}},
		"not an id":            {"link", "nonsense", 200, []string{"gateway drops"}},
		"link, continued":      {"link", "client", 200, []string{"gateway leaks"}},
		"restart, continued":   {"restart", "client", 200, []string{"gateway leaks"}},
		"continue, linked":     {"continue", newTrace, 200, []string{"gateway restarts"}},
		"a redirect":           {"link", newTrace, 308, nil},
		"refused":              {"link", newTrace, 401, []string{"gateway not_answered"}},
		"failed, and not ours": {"link", "", 502, []string{"gateway not_answered", "gateway drops"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, seen := gateway(t, tc.status, tc.trace)
			report, err := smoke.Run(t.Context(), smoke.Options{Config: configOf(tc.incoming, "1"), Gateway: address})
			if err != nil {
				t.Fatal(err)
			}
			if got := findings(report); !slices.Equal(got, tc.want) || report.Good != (tc.want == nil) || report.LookedAt != smoke.LookedAtAnswers {
				t.Errorf("findings %q, want %q; good %v, by %s", got, tc.want, report.Good, report.LookedAt)
			}
			if r := seen.Load(); r.UserAgent() != smoke.UserAgent || r.Header.Get("B3") == "" || r.Header.Get("X-Datadog-Trace-Id") == "" {
				t.Errorf("the request has headers %v", r.Header)
			}
		})
	}
}

// backend has the gateway's span, and the service's from the third look on, if ever.
type backend struct {
	looks    atomic.Int64
	complete bool
	err      error
}

func (b *backend) Spans(_ context.Context, id string) ([]hops.Span, error) {
	if b.err != nil || id != newTrace {
		return nil, b.err
	}
	now := time.Now()
	spans := []hops.Span{{TraceID: id, ID: gateSpan, Service: "kong", Kind: "server", Start: now.Add(-time.Second), End: now,
		Attributes: map[string]string{"kong.route.name": "r", "kong.upstream.tries": "1"}}}
	if b.looks.Add(1) >= 3 && b.complete {
		spans = append(spans, hops.Span{TraceID: id, ID: "00f067aa0ba902b7", ParentID: gateSpan, Service: "s", Kind: "server", Start: now.Add(-time.Second), End: now})
	}
	return spans, nil
}

func (b *backend) Began(context.Context, time.Time, time.Time) ([]hops.Span, error) { return nil, nil }

// TestWaits: spans that come late are waited for, and those that do not come are a finding.
func TestWaits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		backend *backend
		wait    time.Duration
		want    []string
	}{
		"late":  {&backend{complete: true}, time.Minute, nil},
		"never": {&backend{}, time.Millisecond, []string{"s drops"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := gateway(t, 200, newTrace)
			report, err := smoke.Run(t.Context(), smoke.Options{Config: linking(), Gateway: address, Backend: tc.backend, Wait: tc.wait})
			if err != nil {
				t.Fatal(err)
			}
			if got := findings(report); !slices.Equal(got, tc.want) || report.LookedAt != smoke.LookedAtHops {
				t.Errorf("findings %q, want %q; by %s", got, tc.want, report.LookedAt)
			}
		})
	}
}

// TestUnsampled: what is not recorded is no pass, and not for a client to decide where the
// config says so.
func TestUnsampled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ trace, config string }{
		"a new trace":                 {newTrace, "0"},
		"the ratio decides":           {"client", "0, incoming: continue, ignore_parent_sampled: true"},
		"no client may force its own": {"client", "0, incoming: continue, max_parent_sampled_per_second: 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := gateway(t, 200, tc.trace)
			config := []byte("routes: [{name: r, paths: [/r]}]\nplugins: [{name: trace-inject, config: {sample_ratio: " + tc.config + "}}]")
			report, err := smoke.Run(t.Context(), smoke.Options{Config: config, Gateway: address, Backend: &backend{}, Wait: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if got := findings(report); !slices.Equal(got, []string{"gateway unsampled"}) {
				t.Errorf("findings %q", got)
			}
		})
	}
}

func TestNothingAsked(t *testing.T) {
	t.Parallel()
	address, seen := gateway(t, 200, newTrace)
	report, err := smoke.Run(t.Context(), smoke.Options{Config: linking(), Gateway: address, Routes: plan.Options{Skip: []string{"r"}}})
	var text strings.Builder
	if err != nil || report.Good || report.WriteText(&text) != nil || !strings.Contains(text.String(), "no route was asked") || seen.Load() != nil {
		t.Errorf("error %v, good %v, %s", err, report.Good, text.String())
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	address, _ := gateway(t, 200, newTrace)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		o    smoke.Options
		want string
	}{
		"no address":        {t.Context(), smoke.Options{Config: linking(), Gateway: "localhost:8000"}, `gateway: "localhost:8000" is no address`},
		"no gateway there":  {t.Context(), smoke.Options{Config: linking(), Gateway: gone.URL}, "reach the gateway"},
		"no backend there":  {t.Context(), smoke.Options{Config: linking(), Gateway: address, Backend: &backend{err: http.ErrServerClosed}}, "ask the trace backend"},
		"no routes":         {t.Context(), smoke.Options{Config: []byte("services: []"), Gateway: address}, "the config has no routes"},
		"less than no time": {t.Context(), smoke.Options{Config: linking(), Gateway: address, Wait: -1}, "wait: -1ns"},
		"ended":             {ended, smoke.Options{Config: linking(), Gateway: address}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := smoke.Run(tc.ctx, tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
