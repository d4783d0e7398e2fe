package sunsetheaders_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// TestRecordsWhoCalls: with observe it is kept who called, and what became of the call.
// Two reads more are made, and both are declared.
func TestRecordsWhoCalls(t *testing.T) {
	t.Parallel()
	url := "redis://" + miniredis.RunT(t).Addr()
	runtime, err := sunsetheaders.NewRuntime(sunsetheaders.Options{Now: clock(end), RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	config := runtime.New().(*sunsetheaders.Config)
	config.SunsetAt, config.Observe = "2027-06-30", true
	request := partner()
	request.Headers = http.Header{"User-Agent": {"erp/4.2 (ops@initech.example)"}}
	effects := kongtest.Run(t, config.Access, request)
	if effects.Exit == nil || effects.Exit.Status != http.StatusGone {
		t.Errorf("exit %v, want 410", effects.Exit)
	}
	want := []string{
		"kong.router.get_route", "kong.client.get_consumer", "kong.client.get_credential",
		"kong.ctx.shared.get", "kong.nginx.get_var", "kong.log.set_serialize_value", "kong.response.exit",
	}
	if diff := cmp.Diff(want, effects.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if n := len(config.Prefetch("access")); n != 5 {
		t.Errorf("%d reads are declared, want 5", n)
	}
	if err := runtime.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorded, err := callers.Read(t.Context(), redistest.Client(t, url), "gatehouse")
	if err != nil {
		t.Fatal(err)
	}
	list := recorded.Routes["partner-orders-v1"]
	if len(list) != 1 {
		t.Fatalf("recorded: %+v", recorded)
	}
	c := list[0]
	if c.Name() != "initech-erp" || c.Tenant != "initech" || !c.Last.Equal(end) || c.Days[end][lifecycle.StageGone] != 1 || strings.Join(c.Agents, ",") != "erp/4.2" {
		t.Errorf("recorded: %+v", c)
	}
}

// TestVersionLivesWithoutRedis: neither a Redis that is away nor one that is no Redis at all
// changes what becomes of a request. What is never written is counted.
func TestVersionLivesWithoutRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url, warning string }{
		{"away", "redis://127.0.0.1:1", ""},
		{"no URL", "", "redis.url: empty, and there is no REDIS_URL"},
		{"a wrong one", "http://:secret@localhost", "redis.url: not the URL of a Redis"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			registry := prometheus.NewRegistry()
			runtime, err := sunsetheaders.NewRuntime(sunsetheaders.Options{Now: clock(end), Registerer: registry, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			config := runtime.New().(*sunsetheaders.Config)
			config.SunsetAt, config.Observe, config.Redis.URL = "2027-06-30", true, tt.url
			if err := config.Provision(); err != nil {
				t.Fatal(err)
			}
			if effects := kongtest.Run(t, config.Access, partner()); effects.Exit == nil || effects.Exit.Status != http.StatusGone {
				t.Errorf("exit %v, want 410", effects.Exit)
			}
			lost := 0.0
			if closed := runtime.Close(t.Context()); tt.warning == "" {
				if lost = 1; closed == nil {
					t.Error("nothing is said of what could not be written")
				}
			}
			want := "# HELP gatehouse_sunset_unrecorded_requests_total Requests that gatehouse sunset report will not know of: there was no room for them, or Redis did not answer to the end.\n" +
				"# TYPE gatehouse_sunset_unrecorded_requests_total counter\n" +
				"gatehouse_sunset_unrecorded_requests_total " + map[float64]string{0: "0", 1: "1"}[lost] + "\n"
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "gatehouse_sunset_unrecorded_requests_total"); err != nil {
				t.Error(err)
			}
			warnings := config.Warnings()
			if (len(warnings) > 0) != (tt.warning != "") || len(warnings) > 0 && !strings.HasPrefix(warnings[0].Error(), tt.warning) {
				t.Errorf("warnings: %v, want %q", warnings, tt.warning)
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the log has the password: %s", log.String())
			}
		})
	}
}
