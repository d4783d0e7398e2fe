package kongwatch_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/kongwatch"
)

// TestStatus: the hash is a label, and a Kong that does not tell it is told of.
func TestStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		want, logs string
	}{
		{"told", `{"configuration_hash":"abc","database":{"reachable":true}}`, 200, `gatehouse_kong_configuration_info{hash="abc"} 1`, ""},
		{"with a database", `{"database":{"reachable":true}}`, 200, "", "only a DB-less Kong"},
		{"not Kong", `<html>`, 200, "", "invalid character"},
		{"an error", `{"message":"no"}`, 500, "", "500 Internal Server Error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = fmt.Fprint(w, tt.body)
			}))
			defer kong.Close()
			var log bytes.Buffer
			c := kongwatch.New(kongwatch.Options{StatusURL: kong.URL + "/status", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			compare(t, c, tt.want, "gatehouse_kong_configuration_info")
			failed := 0
			if tt.want == "" {
				failed = 1
			}
			compare(t, c, fmt.Sprintf("gatehouse_kong_watch_failed{question=%q} %d", "configuration", failed), "gatehouse_kong_watch_failed")
			if !strings.Contains(log.String(), tt.logs) || tt.logs == "" && log.Len() > 0 {
				t.Errorf("logged %q, want %q", &log, tt.logs)
			}
		})
	}
}

// TestEdge: the certificate is what clients see, believed or not, and one that is shown
// counts also where the handshake fails after it.
func TestEdge(t *testing.T) {
	t.Parallel()
	kong := httptest.NewTLSServer(http.NotFoundHandler())
	defer kong.Close()
	addr := kong.Listener.Addr().String()
	until := kong.Certificate().NotAfter.Unix()
	c := kongwatch.New(kongwatch.Options{EdgeAddr: addr, ServerNames: []string{"", "api.example.com"}})
	compare(t, c, fmt.Sprintf("gatehouse_edge_certificate_not_after_timestamp_seconds{server_name=\"\"} %[1]d\n"+
		"gatehouse_edge_certificate_not_after_timestamp_seconds{server_name=\"api.example.com\"} %[1]d", until), "gatehouse_edge_certificate_not_after_timestamp_seconds")
	compare(t, c, fmt.Sprintf("gatehouse_edge_certificate_not_before_timestamp_seconds{server_name=\"\"} %[1]d\n"+
		"gatehouse_edge_certificate_not_before_timestamp_seconds{server_name=\"api.example.com\"} %[1]d", kong.Certificate().NotBefore.Unix()), "gatehouse_edge_certificate_not_before_timestamp_seconds")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	c = kongwatch.New(kongwatch.Options{EdgeAddr: plain.Listener.Addr().String()})
	compare(t, c, "", "gatehouse_edge_certificate_not_after_timestamp_seconds")
	compare(t, c, `gatehouse_kong_watch_failed{question="certificate"} 1`, "gatehouse_kong_watch_failed")
}

func TestNobodyIsAsked(t *testing.T) {
	t.Parallel()
	if n := testutil.CollectAndCount(kongwatch.New(kongwatch.Options{})); n != 0 {
		t.Errorf("%d series, want none", n)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options kongwatch.Options
		want    string
	}{
		{kongwatch.Options{}, ""},
		{kongwatch.Options{StatusURL: "http://127.0.0.1:8100/status", EdgeAddr: "[::1]:8443"}, ""},
		{kongwatch.Options{StatusURL: "127.0.0.1:8100"}, `kong-status (GATEHOUSE_KONG_STATUS) "127.0.0.1:8100" is no URL; write http://127.0.0.1:8100/status`},
		{kongwatch.Options{StatusURL: "ftp://kong/status"}, "is no URL"},
		{kongwatch.Options{StatusURL: "http:///status"}, "is no URL"},
		{kongwatch.Options{EdgeAddr: "127.0.0.1"}, `edge-tls (GATEHOUSE_EDGE_TLS) "127.0.0.1" is no host and port; write 127.0.0.1:8443`},
		{kongwatch.Options{EdgeAddr: "https://127.0.0.1:8443"}, "is no host and port"},
		{kongwatch.Options{EdgeAddr: "127.0.0.1:"}, "is no host and port"},
	} {
		switch err := tt.options.Validate(); {
		case tt.want == "" && err != nil:
			t.Errorf("%+v: %v", tt.options, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%+v: %v, want %s", tt.options, err, tt.want)
		}
	}
}

// compare wants the series of a metric, a line each.
func compare(t *testing.T, c *kongwatch.Collector, series, name string) {
	t.Helper()
	help := map[string]string{
		"gatehouse_kong_configuration_info":                       "1, with the hash of the declarative configuration that this Kong runs.",
		"gatehouse_edge_certificate_not_after_timestamp_seconds":  "When the certificate expires that this Kong shows to clients, by the server name that they ask for.",
		"gatehouse_edge_certificate_not_before_timestamp_seconds": "When that certificate began to be valid: with its end, how long its life is.",
		"gatehouse_kong_watch_failed":                             "1 while this Kong does not tell its status, or shows no certificate.",
	}[name]
	want := ""
	if series != "" {
		want = fmt.Sprintf("# HELP %[1]s %[2]s\n# TYPE %[1]s gauge\n%[3]s\n", name, help, series)
	}
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}
