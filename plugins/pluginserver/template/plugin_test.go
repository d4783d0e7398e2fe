package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestAccess(t *testing.T) {
	config := &Config{Header: "X-Client", Clients: []string{"app", "web"}}
	for name, tt := range map[string]struct {
		headers http.Header
		status  int // 0 for a request that passes
		known   string
	}{
		"known":     {http.Header{"X-Client": {"web"}}, 0, "web"},
		"not known": {http.Header{"X-Client": {"bot"}}, http.StatusForbidden, ""},
		"not said":  {nil, http.StatusForbidden, ""},
	} {
		t.Run(name, func(t *testing.T) {
			effects := kongtest.Run(t, config.Access, kongtest.Request{Headers: tt.headers})
			status := 0
			if effects.Exit != nil {
				status = effects.Exit.Status
			}
			if got := effects.Service.Headers.Get("X-Known-Client"); status != tt.status || got != tt.known {
				t.Errorf("answered with %d, the service is told %q; want %d and %q", status, got, tt.status, tt.known)
			}
		})
	}
}

// TestAccessWithoutKong has Kong fail in mid-request: nobody may pass unseen.
func TestAccessWithoutKong(t *testing.T) {
	config := &Config{Header: "X-Client", Clients: []string{"web"}}
	effects := kongtest.Run(t, config.Access, kongtest.Request{
		Headers: http.Header{"X-Client": {"web"}}, Throws: []string{"kong.request.get_header"},
	})
	if effects.Service.Headers.Get("X-Known-Client") != "" {
		t.Error("a client passed that nobody has read")
	}
}

// TestInfo asks for what Kong is told of the plugin at its start.
func TestInfo(t *testing.T) {
	info, err := pluginserver.Info(pluginserver.Plugin{Name: "my-plugin", Version: version, Priority: priority, New: New})
	if err != nil || !strings.Contains(string(info), `"default":"X-Client"`) {
		t.Errorf("%s, %v", info, err)
	}
}
