package traceinject_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestDegraded: what is right in a config goes on working, and what is not is as safe as
// the default.
func TestDegraded(t *testing.T) {
	t.Parallel()
	full := http.Header{"traceparent": {clientParent}, "baggage": {"user=jane"}}
	linked := upstream{Traceparent: []string{ownParent}}
	tests := []struct {
		name   string
		edit   func(*traceinject.Config)
		from   string
		want   upstream
		header string // of the response
	}{
		{"a bad network is trusted by nobody", func(c *traceinject.Config) { c.TrustedCIDRs = []string{"300.0.0.0/8", "10.0.0.0/8"} }, "192.0.2.1", linked, "X-Trace-Id"},
		{"the good one beside it is", func(c *traceinject.Config) { c.TrustedCIDRs = []string{"300.0.0.0/8", "10.0.0.0/8"} }, "10.0.0.1",
			upstream{Traceparent: []string{"00-" + clientTraceID + "-" + ownSpanID + "-01"}}, "X-Trace-Id"},
		{"a bad header is not sent", func(c *traceinject.Config) { c.ResponseHeader = "Content-Length" }, "", linked, ""},
		{"choices that are none", func(c *traceinject.Config) { c.Incoming, c.Baggage, c.SampleRatio = "x", "y", 7 }, "", linked, "X-Trace-Id"},
		{"all of it", func(c *traceinject.Config) {
			c.TrustedCIDRs, c.Incoming, c.ResponseHeader = []string{"none"}, "x", "\n"
		}, "", linked, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newRuntime(t, traceinject.Options{Random: fixedIDs}).New().(*traceinject.Config)
			tt.edit(config)
			err := config.Provision()
			if err == nil {
				t.Fatal("Provision has nothing to say")
			}
			config.Degrade(err)
			effects := kongtest.Run(t, config.Access, kongtest.Request{Headers: full, ClientIP: tt.from})
			if diff := cmp.Diff(tt.want, seenUpstream(effects), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("upstream headers (-want +got):\n%s", diff)
			}
			if got := effects.Response.Headers.Get("X-Trace-Id"); (got != "") != (tt.header != "") || len(effects.Response.Headers) > 1 {
				t.Errorf("response headers %v, want %q", effects.Response.Headers, tt.header)
			}
			wantWord(t, effects)
		})
	}
}

// TestDegradedBeforeProvision: a config that could not be decoded goes by the defaults.
func TestDegradedBeforeProvision(t *testing.T) {
	t.Parallel()
	for name, noLogPlugins := range map[string]bool{"log plugins": false, "no log plugins": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newRuntime(t, traceinject.Options{Random: fixedIDs, NoLogPlugins: noLogPlugins}).New().(*traceinject.Config)
			config.Degrade(errors.New("decode config"))
			effects := kongtest.Run(t, config.Access, kongtest.Request{})
			if got := effects.Service.Headers.Get("traceparent"); got != ownParent {
				t.Errorf("traceparent %q, want %q", got, ownParent)
			}
			wantWord(t, effects)
		})
	}
}

// wantWord wants the audit record to say that the plugin is degraded.
func wantWord(t *testing.T, effects kongtest.Effects) {
	t.Helper()
	for _, kv := range effects.Serialized {
		if kv.Key == "gatehouse.trace-inject" && kv.Value == "degraded" {
			return
		}
	}
	t.Errorf("log fields %v do not say degraded", effects.Serialized)
}
