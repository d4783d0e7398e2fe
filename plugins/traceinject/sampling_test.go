package traceinject_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestForcedByANode: the configurations of a node share what clients may force, and a
// request counts once, be it in two phases.
func TestForcedByANode(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	runtime := newRuntime(t, traceinject.Options{Now: func() time.Time { return now }})
	var configs [2]*traceinject.Config
	for i := range configs {
		configs[i] = runtime.New().(*traceinject.Config)
		configs[i].Incoming, configs[i].SampleRatio, configs[i].MaxParentSampled = "continue", 0, 2
		if err := configs[i].Provision(); err != nil {
			t.Fatal(err)
		}
	}
	sampled := func(i int) bool {
		request := kongrequesttest.Installed(t, kongtest.Request{
			Headers: http.Header{"Traceparent": {clientParent}}, Vars: map[string]string{"kong_request_id": fmt.Sprintf("%032x", i)},
		})
		config := configs[i%2]
		kongtest.Run(t, config.Rewrite, request)
		effects := kongtest.Run(t, config.Access, request)
		return strings.HasSuffix(effects.Service.Headers.Get("traceparent"), "-01")
	}
	for i, want := range []bool{true, true, false, false} {
		if got := sampled(i); got != want {
			t.Errorf("request %d is sampled: %v, want %v", i, got, want)
		}
	}
	now = now.Add(time.Second)
	if !sampled(5) {
		t.Error("nothing is sampled a second later")
	}
}

// TestKeptSpans: whether a span is wanted is known at the end only, where a config says
// what to keep, and Kong is asked for its record then.
func TestKeptSpans(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		want   int
	}{"an error": {500, 1}, "no error": {404, 0}} {
		spans := &keptSpans{}
		config := newConfig(t, traceinject.Options{Exporter: spans}, func(c *traceinject.Config) {
			c.SampleRatio, c.KeepErrors, c.UpstreamSpans = 0, true, false
		})
		access := kongtest.Run(t, config.Access, kongtest.Request{})
		record := fmt.Sprintf(`{"started_at": 1767225600000, "latencies": {"request": 5}, "response": {"status": %d}}`, tt.status)
		log := kongtest.Run(t, config.Log, kongtest.Request{Shared: access.Shared, Log: record})
		if !slices.Contains(log.Calls, "kong.log.serialize") {
			t.Errorf("%s: calls %q, want one for the record", name, log.Calls)
		}
		closeRuntime(t, config)
		if got := len(spans.get()); got != tt.want {
			t.Errorf("%s: %d spans, want %d", name, got, tt.want)
		}
	}
}

// TestToldHeaders: they are scrubbed, cut to their length and read in one round trip; none
// is read where there is no scrubber.
func TestToldHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{"X-App-Version": {"jane 2.4"}, "X-Long": {strings.Repeat("ä", 200)}}
	edit := func(c *traceinject.Config) { c.HeaderAttributes = []string{"X-App-Version", "X-Long", "X-Absent"} }
	record := `{"started_at": 1767225600000, "latencies": {"request": 5}, "response": {"status": 200}}`
	for _, scrubbing := range []bool{true, false} {
		spans := &keptSpans{}
		o := traceinject.Options{Exporter: spans}
		want := []string{}
		if scrubbing {
			o.Scrubber = redacted{}
			want = []string{`http.request.header.x-app-version ["[name] 2.4"]`, fmt.Sprintf("http.request.header.x-long [%q]", strings.Repeat("ä", 128))}
		}
		config := newConfig(t, o, edit)
		if declared := config.Prefetch("access"); len(declared) != 2*len(want) {
			t.Errorf("scrubbing %v: declared %q", scrubbing, declared)
		}
		access := kongtest.Run(t, config.Access, kongrequesttest.Installed(t, kongtest.Request{Headers: header}))
		kongtest.Run(t, config.Log, kongtest.Request{Shared: access.Shared, Log: record})
		closeRuntime(t, config)
		got := []string{}
		for _, a := range spans.get()[0].Attributes {
			if strings.HasPrefix(string(a.Key), "http.request.header.") {
				got = append(got, string(a.Key)+" "+a.Value.String())
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("scrubbing %v: %q, want %q", scrubbing, got, want)
		}
	}
}
