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
