package auditlog

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"
)

func record(id string) slog.Record {
	r := slog.NewRecord(time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC), slog.LevelInfo, "audit", 0)
	r.AddAttrs(slog.String("request_id", id), slog.Int("status", 200))
	return r
}

// writeAndClose writes so many records and closes the log.
func writeAndClose(t *testing.T, l *Log, records int) {
	t.Helper()
	for range records {
		if err := l.Handle(t.Context(), record("r1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const wantLine = `{"time":"2025-11-24T03:13:41Z","request_id":"r1","status":200}` + "\n"

func TestStdout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := Open(Options{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 1)
	if out.String() != wantLine {
		t.Errorf("wrote %s, want %s", out.String(), wantLine)
	}
}

// TestFile checks that a file is appended to, and that it is not for everybody.
func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log", "audit.jsonl")
	for range 2 {
		l, err := Open(Options{Target: path})
		if err != nil {
			t.Fatal(err)
		}
		writeAndClose(t, l, 1)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != wantLine+wantLine {
		t.Errorf("file %s", text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestOldFilesGo checks that a file which was rotated before the retention is
// removed, and a younger one is not.
func TestOldFilesGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stamp := func(days int) string {
		return filepath.Join(dir, "audit-"+time.Now().UTC().AddDate(0, 0, -days).Format("2006-01-02T15-04-05.000")+"-time.jsonl")
	}
	old, young := stamp(31), stamp(29)
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, []byte(wantLine), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Open(Options{Target: filepath.Join(dir, "audit.jsonl"), RetentionDays: 30})
	if err != nil {
		t.Fatal(err)
	}
	writeAndClose(t, l, 1) // Close waits for what the first record set off
	if exists(old) || !exists(young) && !exists(young+".gz") {
		t.Errorf("old file kept: %v, young file kept: %v", exists(old), exists(young))
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// receiver is an OTLP/HTTP receiver that answers with a status.
func receiver(t *testing.T, status int, got chan<- *collector.ExportLogsServiceRequest) {
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
	receiver(t, http.StatusOK, got)
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

func checkExports(t *testing.T, registry *prometheus.Registry, outcome string, want int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if m.Label[0].GetValue() == outcome && m.Counter.GetValue() == float64(want) {
				return
			}
		}
	}
	t.Errorf("%d records %s were not counted: %v", want, outcome, families)
}

// TestOTLPLossIsCounted checks that records which a receiver refuses are counted.
func TestOTLPLossIsCounted(t *testing.T) {
	receiver(t, http.StatusBadRequest, nil)
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

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, o := range map[string]Options{
		dir:         {Target: dir},
		"-1 days":   {RetentionDays: -1},
		"/dev/null": {Target: "/dev/null"},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not name it", name, err)
		}
	}
}
