package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// auditRecord is what the tests look at of one.
type auditRecord struct {
	Log       string  `json:"log"`
	RequestID string  `json:"request_id"`
	TraceID   string  `json:"trace_id"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    int     `json:"status"`
	Source    string  `json:"source"`
	Route     string  `json:"route"`
	Service   string  `json:"service"`
	Tenant    string  `json:"tenant"`
	User      string  `json:"user"` // without a key for pseudonyms no more than there or not
	Consumer  string  `json:"consumer"`
	LatencyMS float64 `json:"latency_ms"`
	// Correction says that the record takes the place of an earlier one.
	Correction bool `json:"correction"`
	Policies   map[string]string
}

// TestAuditRecords wants one record of every call, with who and what it was about,
// whoever answered it.
func TestAuditRecords(t *testing.T) {
	defer useConfig(t, func(config map[string]any) { keepApart(t, config, "orders-v2") })()
	tests := []struct {
		name, path string
		headers    []string
		fault      string // of the orders service
		want       auditRecord
	}{
		{"token", "/web/v1/dashboard?page=2", []string{bearer(t, devtoken.Web, "acme", "u1")}, "", auditRecord{
			Path: "/web/v1/dashboard", Status: http.StatusOK, Source: "upstream",
			Route: "web-dashboard", Service: "web-bff", Tenant: "acme", User: "[user]", Consumer: "web-app",
			Policies: map[string]string{"tenant-rate-limit": "allowed"},
		}},
		{"deprecated version", "/partner/v1/orders", []string{partnerKey}, "", auditRecord{
			Path: "/partner/v1/orders", Status: http.StatusOK, Source: "upstream",
			Route: "partner-orders-v1", Service: "orders-v1", Tenant: "globex", User: "[user]", Consumer: "globex-crm",
			Policies: map[string]string{"tenant-rate-limit": "allowed", "sunset-headers": "deprecated"},
		}},
		{"key", "/partner/v2/orders", []string{partnerKey}, "", auditRecord{
			Path: "/partner/v2/orders", Status: http.StatusOK, Source: "upstream",
			Route: "partner-orders-v2", Service: "orders-v2", Tenant: "globex", User: "[user]", Consumer: "globex-crm",
			Policies: map[string]string{"tenant-rate-limit": "allowed"},
		}},
		{"no route", "/nowhere", nil, "", auditRecord{Path: "/nowhere", Status: http.StatusNotFound, Source: "kong"}},
		{"no upstream", "/partner/v2/orders", []string{partnerKey}, `{"reset":true}`, auditRecord{
			Path: "/partner/v2/orders", Status: http.StatusBadGateway, Source: "kong",
			Route: "partner-orders-v2", Service: "orders-v2", Tenant: "globex", User: "[user]", Consumer: "globex-crm",
			Policies: map[string]string{"tenant-rate-limit": "allowed"},
		}},
		{"refused by the gateway", "/web/v1/dashboard", nil, "", auditRecord{
			Path: "/web/v1/dashboard", Status: http.StatusUnauthorized, Source: "kong",
			Route: "web-dashboard", Service: "web-bff",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault != "" {
				fault(t, services.Orders, tt.fault)
			}
			id := get(t, tt.path, tt.headers...).wantStatus(t, tt.want.Status).header.Get("X-Kong-Request-Id")
			var records []auditRecord
			eventually(t, "an audit record of request "+id, func() bool {
				records = auditRecords(t, id)
				return len(records) > 0
			})
			tt.want.Log, tt.want.RequestID, tt.want.Method = "audit", id, http.MethodGet
			if tt.want.Status == http.StatusUnauthorized && oneHop() {
				tt.want.Route, tt.want.Service = "", "" // see docs/one-hop.md
			}
			if oneHop() {
				delete(tt.want.Policies, "sunset-headers") // which runs beside it, likewise
			}
			got := records[0]
			if len(records) != 1 || got.TraceID == "" || got.LatencyMS < 0 {
				t.Errorf("records %+v, want one, in a trace", records)
			}
			got.TraceID, got.LatencyMS = "", 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("audit record (-want +got):\n%s", diff)
			}
		})
	}
}

// auditRecords are the records of a request.
func auditRecords(t *testing.T, requestID string) (found []auditRecord) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(logs(t))); lines.Scan(); {
		if !strings.Contains(lines.Text(), requestID) {
			continue
		}
		var r auditRecord
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Log == "audit" {
			found = append(found, r)
		}
	}
	return found
}

// TestOneHopNeedsNoLogEvent: nginx's access line tells how each request ended.
func TestOneHopNeedsNoLogEvent(t *testing.T) {
	if !oneHop() {
		t.Skip("the plugins run apart: E2E_PLUGINS=onehop runs them in one hop")
	}
	id := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK).header.Get("X-Kong-Request-Id")
	eventually(t, "an audit record of request "+id, func() bool { return len(auditRecords(t, id)) > 0 })
	metrics := pluginServerMetrics(t)
	for _, series := range []string{
		`gatehouse_onehop_access_lines_total{request="matched"}`,
		`gatehouse_pluginserver_events_total{outcome="ok",phase="access",plugin="gatehouse"}`,
	} {
		if !strings.Contains(metrics, series) {
			t.Errorf("the metrics lack %s", series)
		}
	}
	if strings.Contains(metrics, `phase="log",plugin="gatehouse"`) {
		t.Error("there are log events of the one-hop plugin")
	}
}

func pluginServerMetrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.metrics+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return string(send(t, req).wantStatus(t, http.StatusOK).body)
}
