package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/smoke"
)

// TestSmokeCommand: what is good ends with 0, a finding with 1, and what could not be
// looked at with 2.
func TestSmokeCommand(t *testing.T) {
	trace := "0af7651916cd43dd8448eb211c80319c"
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		w.Header().Set("X-Trace-Id", trace)
	}))
	defer gateway.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	file := filepath.Join(t.TempDir(), "kong.yaml")
	put(t, file, "services: [{name: s, host: h, routes: [{name: r, paths: [/r]}], plugins: [{name: jwt}]}]\nplugins: [{name: trace-inject}]\nconsumers: [{username: web-app}]", 0o600)
	t.Setenv("GATEHOUSE_SMOKE_TOKEN_WEB_APP", "t")
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"good":             {[]string{"-gateway", gateway.URL}, 0, "✓ r  GET /r  200"},
		"a finding":        {[]string{"-gateway", gateway.URL, "-header", "Authorization: Bearer x"}, 1, "gateway not_answered: GET /r is answered 401"},
		"no gateway":       {nil, 2, "-gateway"},
		"nobody there":     {[]string{"-gateway", gone.URL}, 2, "reach the gateway"},
		"no such file":     {[]string{"-gateway", gateway.URL, "-overlay", "no-such.yaml"}, 2, "no-such.yaml"},
		"two backends":     {[]string{"-gateway", gateway.URL, "-jaeger", gone.URL, "-tempo", gone.URL}, 2, "name one of --jaeger, --tempo and --receiver"},
		"no backend there": {[]string{"-gateway", gateway.URL, "-jaeger", gone.URL}, 2, "ask the trace backend"},
		"no address":       {[]string{"-gateway", gateway.URL, "-service", "orders=here"}, 2, `"here" is no address`},
		"no output":        {[]string{"-gateway", gateway.URL, "-o", "xml"}, 2, `-o "xml": write text or json`},
		"no pair":          {[]string{"-gateway", gateway.URL, "-path", "r"}, 2, "write it as NAME=VALUE"},
		"no header":        {[]string{"-gateway", gateway.URL, "-header", "r"}, 2, "write it as NAME: VALUE"},
		"no such route":    {[]string{"-gateway", gateway.URL, "-route", "q"}, 2, `there is no route "q"`},
		"an argument":      {[]string{"-gateway", gateway.URL, "now"}, 2, `takes no argument "now"`},
		"no such CA":       {[]string{"-gateway", gateway.URL, "-ca", "no-such.pem"}, 2, "no-such.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := gatehouse(t, "", append([]string{"smoke", "-config", file}, tt.args...)...)
			if code != tt.code || !strings.Contains(out+errs, tt.want) {
				t.Errorf("exit code %d, want %d and %q: %s%s", code, tt.code, tt.want, out, errs)
			}
		})
	}
	out, errs, code := gatehouse(t, "", "smoke", "-config", file, "-gateway", gateway.URL, "-o", "json")
	var report smoke.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.Good || report.Routes[0].TraceID != trace {
		t.Errorf("exit code %d, error %v: %s%s", code, err, out, errs)
	}
}
