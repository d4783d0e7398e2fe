package monitoring_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/deploy/monitoring"
)

const (
	rulesDir = "../prometheus"
	runbook  = "../../docs/runbook.md"
	// runbookURL is where people find it.
	runbookURL = "https://github.com/gatehousehq/gatehouse/blob/main/docs/runbook.md"
)

func alerts(t *testing.T) (list []monitoring.Rule) {
	t.Helper()
	rules, err := monitoring.Rules(rulesDir)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(rules, func(r monitoring.Rule) bool { return r.Alert == "" })
	if len(list) == 0 {
		t.Fatal("there are no alerts")
	}
	return list
}

// TestEveryAlertHasItsEntry in the runbook, and every entry its alert: whoever is woken up
// follows the link.
func TestEveryAlertHasItsEntry(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	var entries, names []string
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		entries = append(entries, heading[1])
	}
	for _, a := range alerts(t) {
		names = append(names, a.Alert)
		if want := runbookURL + "#" + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s: %s: runbook_url is %q, want %q", a.File, a.Alert, a.Annotations["runbook_url"], want)
		}
		if a.Annotations["summary"] == "" {
			t.Errorf("%s: %s has no summary", a.File, a.Alert)
		}
		if severity := a.Labels["severity"]; severity != "page" && severity != "ticket" {
			t.Errorf("%s: %s: severity is %q, want page or ticket", a.File, a.Alert, severity)
		}
	}
	slices.Sort(names)
	slices.Sort(entries)
	if diff := cmp.Diff(names, entries); diff != "" {
		t.Errorf("entries of docs/runbook.md (-alerts +entries):\n%s", diff)
	}
}

// TestPromtool has Prometheus' own tool check the rules, and run their tests: each alert
// fires where it should.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("left out: the rules' tests, which need promtool on PATH (Debian's package prometheus has it)")
	}
	tests, err := filepath.Glob(filepath.Join(rulesDir, "tests", "*.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "config", filepath.Join(rulesDir, "prometheus.yml")},
		append([]string{"test", "rules"}, tests...),
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEveryAlertIsTested: it fires in one of promtool's tests, and does not in another
// place of them.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(rulesDir, "tests", "*.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
	}
	for _, a := range alerts(t) {
		for what, want := range map[string]string{
			"fires":         `alertname: ` + a.Alert + `\n\s+exp_alerts:\n`,
			"does not fire": `alertname: ` + a.Alert + `\n\s+exp_alerts: \[\]\n`,
		} {
			if !regexp.MustCompile(want).MatchString(text.String()) {
				t.Errorf("no test of deploy/prometheus/tests has a time at which %s %s", a.Alert, what)
			}
		}
	}
}

func TestMeasured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr string
		want []string
	}{
		{`up == 0`, []string{`up`}},
		{`sum by (a) (rate(x_total{o!="ok", p=~"a|b > c"}[5m])) > 0`, []string{`sum by (a) (rate(x_total{o!="ok", p=~"a|b > c"}[5m]))`}},
		{"a:b > 14.4 * 0.0001\nand c:d > 14.4 * 0.0001", []string{`a:b`, `c:d`}},
		{`x{y="own"} - time() < 12 * 3600`, []string{`x{y="own"} - time()`}},
		{`(a and b) / on (job) group_left c > 0.05`, []string{`(a and b) / on (job) group_left c`}},
		{`count(x > 1) >= 2 unless y`, []string{`count(x > 1)`, `y`}},
	} {
		if diff := cmp.Diff(tt.want, (&monitoring.Rule{Alert: "A", Expr: tt.expr}).Measured()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.expr, diff)
		}
	}
	if got := (&monitoring.Rule{Record: "r", Expr: "a > 1"}).Measured(); !slices.Equal(got, []string{"a > 1"}) {
		t.Errorf("a record: %q, want its whole expression", got)
	}
}
