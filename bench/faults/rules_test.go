package faults

import (
	"strings"
	"testing"
)

func TestQuicken(t *testing.T) {
	t.Parallel()
	quick, err := quicken([]byte(`groups:
- name: g
  rules:
  - record: r
    expr: sum(rate(a[5m])) / sum(rate(b[3d]))
  - alert: A
    expr: rate(a[1m]) > 0 and r > 0
    for: 2m
    labels: { severity: page }
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rate(a[10s])", "rate(b[2h24m0s])", "rate(a[5s])", "for: 4s", "severity: page", "record: r"} {
		if !strings.Contains(string(quick), want) {
			t.Errorf("no %q in\n%s", want, quick)
		}
	}
	for _, bad := range []string{"groups: [{ name: g, rules: [{ alert: A }] }]", "groups: [{ name: g, rules: [{ alert: A, expr: a, for: soon }] }]", "groups: 7"} {
		if _, err := quicken([]byte(bad)); err == nil {
			t.Errorf("no error of %s", bad)
		}
	}
}
