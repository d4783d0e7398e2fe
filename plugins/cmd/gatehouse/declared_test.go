package main

import "testing"

func TestAuditDeclared(t *testing.T) {
	t.Parallel()
	const onehop = `{name: gatehouse, config: {run: [trace_inject, pii_log_scrub], pii_log_scrub: {}}}`
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"for all requests", `plugins: [{name: cors}, ` + onehop + `]`, true},
		{"on a service", `services: [{name: s, url: "http://a", plugins: [` + onehop + `]}]`, false},
		{"of a route", `plugins: [{name: gatehouse, route: r, config: {run: [pii_log_scrub], pii_log_scrub: {}}}]`, false},
		{"not enabled", `plugins: [{name: gatehouse, enabled: false, config: {run: [pii_log_scrub], pii_log_scrub: {}}}]`, false},
		{"no scrubber", `plugins: [{name: gatehouse, config: {run: [trace_inject], pii_log_scrub: {}}}]`, false},
		{"no records", `plugins: [{name: gatehouse, config: {run: [pii_log_scrub], pii_log_scrub: {audit: "off"}}}]`, false},
		{"no records, unquoted", `plugins: [{name: gatehouse, config: {run: [pii_log_scrub], pii_log_scrub: {audit: off}}}]`, false},
		{"apart", `plugins: [{name: pii-log-scrub}]`, false},
		{"no plugins", `services: []`, false},
		{"no YAML", `{`, false},
		{"no mapping", `[]`, false},
		{"empty", ``, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := auditDeclared([]byte(tt.text)); got != tt.want {
				t.Errorf("declared %v, want %v", got, tt.want)
			}
		})
	}
}
