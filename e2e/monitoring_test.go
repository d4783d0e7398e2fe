package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/deploy/monitoring"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/probe"
)

// TestMonitoring has a Prometheus watch the stack under load: each query of a dashboard's
// panel and of a rule finds series. A name that is misspelt, or a label that is gone, is
// an empty picture and an alert that never fires.
func TestMonitoring(t *testing.T) {
	notShort(t)
	needHere(t)
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("left out: dashboards and rules against a running stack, which need prometheus on PATH (Debian's package)")
	}
	api := startPrometheus(t)
	restore := useConfig(t, addPastItsEnd)
	defer restore()
	fault(t, services.Billing, `{"status":503}`)
	queries := shippedQueries(t)
	if gate.fileLog == "" {
		t.Log("left out: what Kong itself tells Prometheus, which the dev gateway does not")
		maps.DeleteFunc(queries, func(_, query string) bool { return ofKong.MatchString(query) })
	}
	defer func() { // also where the time is over
		for where, query := range queries {
			t.Errorf("%s: there are no series of %s", where, query)
		}
	}()
	eventuallyWithin(t, 90*time.Second, "series of every query", func() bool {
		someOfEverything(t)
		for where, query := range queries {
			if hasSeries(t, api, query) {
				delete(queries, where)
			}
		}
		return len(queries) == 0
	})
}

// ofKong are the metrics that Kong's own plugin prometheus has.
var ofKong = regexp.MustCompile(`\bkong_`)

// shippedQueries are the queries of all panels and rules, by where they are.
func shippedQueries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	dashboards, err := monitoring.Dashboards("../deploy/grafana/dashboards")
	if err != nil {
		t.Fatal(err)
	}
	grafana := strings.NewReplacer("$__rate_interval", "1m", "$tenant", ".*")
	for _, d := range dashboards {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all[fmt.Sprintf("%s: %s, %s", d.File, p.Title, target.RefID)] = grafana.Replace(target.Expr)
			}
		}
	}
	rules, err := monitoring.Rules("../deploy/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		for i, query := range r.Measured() {
			all[fmt.Sprintf("%s: %s%s, %d", r.File, r.Alert, r.Record, i)] = query
		}
	}
	if len(dashboards) == 0 || len(rules) == 0 {
		t.Fatalf("%d dashboards, %d rules", len(dashboards), len(rules))
	}
	return all
}

// startPrometheus runs the Prometheus on PATH with the shipped config, for the suite's
// ports and in a hurry.
func startPrometheus(t *testing.T) (api string) {
	t.Helper()
	ports, err := stack.FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	dir, listen := t.TempDir(), ports.Admin
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, prometheusConfig(t), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen.Addr())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = log.Close()
	})
	eventually(t, "Prometheus", func() bool { return probe.OK(t.Context(), listen.URL()+"/-/ready") == nil })
	return listen.URL() + "/api/v1/query"
}

// prometheusConfig is deploy/prometheus/prometheus.yml with the suite's ports.
func prometheusConfig(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../deploy/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../deploy/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	config["global"] = map[string]string{"scrape_interval": "1s", "evaluation_interval": "1s"}
	config["rule_files"] = []string{filepath.Join(rules, "*.rules.yml")}
	p := &gate.ports
	here := map[string]stack.Port{
		"kong:9542": p.PluginServer, "kong:8100": p.Status,
		"web-bff:8181": p.WebBFFStatus, "web-bff-2:8183": p.WebBFF2Status, "mobile-bff:8182": p.MobileBFFStatus, "mobile-bff-2:8184": p.MobileBFF2Status,
		"orders:9201": p.OrdersControl, "orders-2:9205": p.Orders2Control, "users:9202": p.UsersControl,
		"billing:9203": p.BillingControl, "notifications:9204": p.NotificationsControl, "auth:9206": p.AuthControl,
	}
	for _, job := range config["scrape_configs"].([]any) {
		for _, static := range job.(map[string]any)["static_configs"].([]any) {
			targets := static.(map[string]any)["targets"].([]any)
			for i, target := range targets {
				port, ok := here[target.(string)]
				if !ok {
					t.Fatalf("deploy/prometheus/prometheus.yml scrapes %s, which the suite does not know", target)
				}
				targets[i] = port.Addr()
			}
		}
	}
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	return text
}

// hasSeries reports whether a query finds something. A query that is none ends the test.
func hasSeries(t *testing.T, api, query string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"?query="+url.QueryEscape(query), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	send(t, req).wantStatus(t, http.StatusOK).into(t, &answer)
	return len(answer.Data.Result) > 0
}

// pastItsEnd is a version that goes on after its date.
const pastItsEnd = "/past-its-end"

func addPastItsEnd(config map[string]any) {
	for _, service := range config["services"].([]any) {
		service := service.(map[string]any)
		if service["name"] != "orders-v1" {
			continue
		}
		service["routes"] = append(service["routes"].([]any), map[string]any{
			"name": "past-its-end", "paths": []string{pastItsEnd}, "methods": []string{http.MethodGet},
			"plugins": []any{map[string]any{"name": "sunset-headers", "config": map[string]any{
				"sunset_at": "2026-01-15T00:00:00Z", "after_sunset": "warn",
			}}},
		})
	}
}

// someOfEverything sends requests that are served, refused, limited, deprecated and broken,
// with personal data, for a second or two.
func someOfEverything(t *testing.T) {
	t.Helper()
	web := bearer(t, devtoken.Web, "monitoring", "u1")
	mobile := bearer(t, devtoken.Mobile, "monitoring", "u1")
	// More than the plan allows in a minute, in a few rounds.
	free := issued(t, devtoken.Web, devtoken.Claims{Tenant: "monitoring-free", User: "u1", Plan: "free"})
	for range 15 {
		get(t, "/web/v1/dashboard", free)
	}
	get(t, "/web/v1/dashboard?email=ada@example.com", web)
	get(t, "/mobile/v1/home", mobile)
	get(t, "/web/v1/dashboard")
	get(t, "/nowhere")
	for range 3 {
		get(t, "/partner/v1/orders", partnerKey)
		get(t, "/partner/v2/orders?card=4111111111111111", partnerKey)
		get(t, pastItsEnd, partnerKey)
	}
	time.Sleep(time.Second) // a scrape
}
