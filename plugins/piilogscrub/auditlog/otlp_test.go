package auditlog

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

// serveOTLP is an OTLP/HTTP receiver that answers with a status.
func serveOTLP(t *testing.T, status int, got chan<- *collector.ExportLogsServiceRequest) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/logs" {
			t.Errorf("request to %s: %v", r.URL.Path, err)
		}
		if status == http.StatusOK {
			m := new(collector.ExportLogsServiceRequest)
			if err := proto.Unmarshal(body, m); err != nil {
				t.Error(err)
			}
			got <- m
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL)
}

func TestOTLP(t *testing.T) {
	got := make(chan *collector.ExportLogsServiceRequest, 1)
	serveOTLP(t, http.StatusOK, got)
	registry := prometheus.NewRegistry()
	l, err := Open(Options{Target: OTLP, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 1)
	m := <-got
	r := m.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	text, err := json.Marshal(r.Attributes)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"r1"`) || r.TimeUnixNano != uint64(time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC).UnixNano()) {
		t.Errorf("record %v", r)
	}
	checkExports(t, registry, "exported", 1)
}

// exports are the counts of records by outcome, those that wait included, and whether
// the trail is broken.
func exports(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			switch f.GetName() {
			case "gatehouse_audit_export_total":
				counts[m.Label[0].GetValue()] = m.Counter.GetValue()
			case "gatehouse_audit_export_waiting":
				counts["waiting"] = m.Gauge.GetValue()
			case "gatehouse_audit_broken":
				counts["broken"] = m.Gauge.GetValue()
			}
		}
	}
	return counts
}

func checkExports(t *testing.T, registry *prometheus.Registry, outcome string, want int) {
	t.Helper()
	if got := exports(t, registry); got[outcome] != float64(want) {
		t.Errorf("records %v, want %d %s", got, want, outcome)
	}
}

// TestOTLPLossIsCounted checks that records which a receiver refuses are counted.
func TestOTLPLossIsCounted(t *testing.T) {
	serveOTLP(t, http.StatusBadRequest, nil)
	registry := prometheus.NewRegistry()
	l, err := Open(Options{Target: OTLP, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 3)
	checkExports(t, registry, "failed", 3)
}

// TestQueueIsBounded checks that records past the queue's limit are refused and
// counted while the receiver does not answer.
func TestQueueIsBounded(t *testing.T) {
	asked, release := make(chan struct{}, 16), make(chan struct{})
	var answered atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
		answered.Store(true)
	}))
	defer srv.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL)
	registry := prometheus.NewRegistry()
	l, err := Open(Options{Target: OTLP, Registerer: registry, QueueSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := l.Handle(t.Context(), record("r1")); err != nil {
			t.Fatal(err)
		}
	}
	checkExports(t, registry, "queue full", 3)
	close(release)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !answered.Load() {
		t.Error("nothing was sent")
	}
	if n, err := testutil.GatherAndCount(registry, "gatehouse_audit_export_total"); err != nil || n < 2 {
		t.Errorf("%d outcomes, %v", n, err)
	}
}

// TestReceiverComesBack: nothing listens for a while, on a real socket.
func TestReceiverComesBack(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+addr)
	registry := prometheus.NewRegistry()
	said := make(chan string, 16)
	l, err := Open(Options{Target: OTLP, Registerer: registry, Logger: slog.New(slog.NewJSONHandler(lines(said), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Handle(t.Context(), record("r1")); err != nil {
		t.Fatal(err)
	}
	if line := <-said; !strings.Contains(line, "connection refused") {
		t.Errorf("said %s", line)
	}
	if ln, err = net.Listen("tcp", addr); err != nil {
		t.Skip("somebody else took the port:", err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Listener = ln
	srv.Start()
	defer srv.Close()
	if line := <-said; !strings.Contains(line, "answers again") {
		t.Errorf("said %s", line)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkExports(t, registry, "exported", 1)
}

// lines passes on what is written to it.
type lines chan<- string

// Write implements [io.Writer].
func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
