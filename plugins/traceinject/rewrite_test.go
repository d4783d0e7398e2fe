package traceinject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// TestRewrite: a plugin that is enabled globally puts requests in traces before they have
// a route, since some find none, and the access phase leaves them there.
func TestRewrite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit  func(*traceinject.Config) // of the configuration of the access phase
		again bool                      // it does the work
	}{
		"of all requests": {nil, false},
		"of a route":      {func(c *traceinject.Config) { c.RouteID = "r" }, true},
		"of a service":    {func(c *traceinject.Config) { c.ServiceID = "s" }, true},
		"of a consumer":   {func(c *traceinject.Config) { c.ConsumerID = "c" }, true},
	} {
		for mode, noLogPlugins := range map[string]bool{"with log plugins": false, "without": true} {
			t.Run(name+", "+mode, func(t *testing.T) {
				t.Parallel()
				config := newConfig(t, traceinject.Options{Random: fixedIDs, NoLogPlugins: noLogPlugins}, nil)
				rewrite := kongtest.Run(t, config.Rewrite, kongtest.Request{})
				if got := rewrite.Service.Headers.Get("traceparent"); got != ownParent {
					t.Errorf("traceparent %q in the rewrite phase, want %q", got, ownParent)
				}
				if last := rewrite.Calls[len(rewrite.Calls)-1]; last != "kong.service.request.set_headers" {
					t.Errorf("the last call is %s: a repeated event would not see the client's headers", last)
				}
				if tt.edit != nil {
					tt.edit(config)
				}
				access := kongtest.Run(t, config.Access, kongtest.Request{Shared: rewrite.Shared})
				if got := access.Service.Headers.Get("traceparent") != ""; got != tt.again {
					t.Errorf("the access phase set headers: %v, want %v", got, tt.again)
				}
				if want := []string{"kong.ctx.shared.get"}; !tt.again && !cmp.Equal(want, access.Calls) {
					t.Errorf("the access phase called %v, want %v", access.Calls, want)
				}
			})
		}
	}
}
