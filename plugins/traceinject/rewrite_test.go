package traceinject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestRewrite: a plugin that is enabled globally puts requests in traces before they have
// a route, since some find none, and says so to the client and to whoever reads their log
// record.
func TestRewrite(t *testing.T) {
	t.Parallel()
	const variable, shared, field, header = "kong.nginx.get_var", "kong.ctx.shared.set", "kong.log.set_serialize_value", "kong.response.set_headers"
	for name, tt := range map[string]struct {
		noLogPlugins bool
		calls        []string
	}{
		"with log plugins": {false, []string{variable, shared, field, field, header}},
		"without":          {true, []string{variable, field, header}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, traceinject.Options{Random: fixedIDs, NoLogPlugins: tt.noLogPlugins}, nil)
			request := kongrequesttest.Installed(t, kongtest.Request{Vars: map[string]string{"http_traceparent": clientParent}})
			rewrite := kongtest.Run(t, config.Rewrite, request)
			if diff := cmp.Diff(tt.calls, rewrite.Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			access := kongtest.Run(t, config.Access, request)
			if diff := cmp.Diff(access.Serialized, rewrite.Serialized); diff != "" {
				t.Errorf("log fields (-access +rewrite):\n%s", diff)
			}
			if diff := cmp.Diff(access.Response.Headers, rewrite.Response.Headers); diff != "" || len(rewrite.Response.Headers) != 1 {
				t.Errorf("response headers %v (-access +rewrite):\n%s", rewrite.Response.Headers, diff)
			}
		})
	}
}

// TestRouteTellsItsOwn: where the global configuration has told the client a trace, and the
// route's own tells it in other headers or in none, nothing stays of the former: the
// request is not in that trace.
func TestRouteTellsItsOwn(t *testing.T) {
	t.Parallel()
	runtime := newRuntime(t, traceinject.Options{})
	configOf := func(edit func(*traceinject.Config)) *traceinject.Config {
		config := runtime.New().(*traceinject.Config)
		edit(config)
		if err := config.Provision(); err != nil {
			t.Fatal(err)
		}
		return config
	}
	global := configOf(func(c *traceinject.Config) { c.Traceresponse, c.ServerTiming = true, "traceparent" })
	route := configOf(func(c *traceinject.Config) { c.ResponseHeader = "Request-Trace" })
	for name, request := range map[string]kongtest.Request{
		"a request": {},
		"a refusal": {Vars: map[string]string{"http_connection": "traceparent"}},
	} {
		request = kongrequesttest.Installed(t, request)
		if told := kongtest.Run(t, global.Rewrite, request).Response.Headers; len(told) != 3 {
			t.Fatalf("%s: the rewrite phase tells %v, want three headers", name, told)
		}
		ran := kongtest.Run(t, route.Access, request)
		told := ran.Response.Headers
		if ran.Exit != nil {
			told = ran.Exit.Headers
		}
		for _, header := range []string{"X-Trace-Id", "Traceresponse", "Server-Timing"} {
			if values, withdrawn := told[header]; !withdrawn || len(values) > 0 {
				t.Errorf("%s: the route leaves %s as it is, or tells %q in it; want it withdrawn", name, header, values)
			}
		}
		if told.Get("Request-Trace") == "" {
			t.Errorf("%s: the route tells %v, want Request-Trace", name, told)
		}
	}
}
