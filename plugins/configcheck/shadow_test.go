package configcheck_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// TestShadowedSections: of one hop the sections are lost that run in the one plugin and not in
// the other, whatever they say, and none that runs for all before a route is known.
func TestShadowedSections(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ all, service, lost string }{
		"not run":            {"run: [pii_log_scrub, trace_inject], pii_log_scrub: {}, trace_inject: {}", "run: [sunset_headers], sunset_headers: {sunset_at: '2027-01-01'}", "pii_log_scrub, trace_inject"},
		"there, and not run": {"run: [trace_inject], trace_inject: {sample_ratio: 1}", "run: [pii_log_scrub], trace_inject: {sample_ratio: 1}", "trace_inject"},
		"beside api_version": {"run: [api_version, trace_inject], trace_inject: {}, api_version: {apis: []}", "run: [pii_log_scrub]", "trace_inject"},
		"api_version alone":  {"run: [api_version], api_version: {apis: [{path: /a}]}", "run: [pii_log_scrub]", ""},
		"run by neither":     {"run: [trace_inject], pii_log_scrub: {fields: [a]}", "run: [trace_inject]", ""},
		"a field":            {"run: [trace_inject], trace_inject: {sample_ratio: 1}", "run: [trace_inject, pii_log_scrub], trace_inject: {incoming: trust}", "trace_inject.sample_ratio"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := "{services: [{host: h, routes: [{name: r}], plugins: [{name: gatehouse, config: {" + tt.service + "}}]}], plugins: [{name: gatehouse, config: {" + tt.all + "}}]}"
			report := only(check(gatewayChecker(t, configcheck.Options{}), config), "plugin-shadowed")
			got := ""
			for _, f := range report.Findings {
				_, got, _ = strings.Cut(f.What, "on route r there is no ")
			}
			if got != tt.lost {
				t.Errorf("lost %q, want %q", got, tt.lost)
			}
		})
	}
}
