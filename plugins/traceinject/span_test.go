package traceinject_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// TestExportedSpan reads Kong's log records in testdata/spans and compares the
// spans made of them with the golden files beside them.
func TestExportedSpan(t *testing.T) {
	t.Parallel()
	records, err := filepath.Glob("testdata/spans/*.json")
	if err != nil || len(records) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, path := range records {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, span := range exported(t, text) {
				got += render(span)
			}
			golden.Check(t, strings.TrimSuffix(path, ".json")+".golden", got)
			for _, secret := range []string{"jane", "example.com", "4711", "203.0.113.77", "5678", "198.51.100.7"} {
				if strings.Contains(got, secret) {
					t.Errorf("the span holds %q, which the client chose or is:\n%s", secret, got)
				}
			}
		})
	}
}

// redacted takes out what the records in testdata have of the client's.
type redacted struct{}

var secrets = strings.NewReplacer("jane.doe@example.com", "[email]", "jane@example.com", "[email]", "jane", "[name]", "4711", "[id]")

func (redacted) ScrubPath(path string) string { return secrets.Replace(path) }
func (redacted) ScrubText(text string) string { return secrets.Replace(text) }

// exported are the spans of a request that was refused before access.
func exported(t *testing.T, text []byte) tracetest.SpanStubs {
	t.Helper()
	spans := &keptSpans{}
	runtime := newRuntime(t, traceinject.Options{Exporter: spans, Scrubber: redacted{}, Random: func() uint64 { return 0x1112131415161718 }})
	config := runtime.New().(*traceinject.Config)
	if err := config.Provision(); err != nil {
		t.Fatal(err)
	}
	trace, err := config.Tracer().Recall(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := exportText(config, trace, text); err != nil {
		t.Fatal(err)
	}
	if err := runtime.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return spans.get()
}

// exportText exports the span of a request from what kong.log.serialize returns.
func exportText(config *traceinject.Config, trace propagation.Trace, text []byte) error {
	record, err := kongrecord.Parse(text)
	if err != nil {
		return err
	}
	return traceinject.RuntimeOf(config).Export(trace, record)
}

func render(s tracetest.SpanStub) string {
	lines := make([]string, 0, len(s.Attributes))
	for _, a := range s.Attributes {
		lines = append(lines, fmt.Sprintf("%s = %s", a.Key, a.Value.String()))
	}
	slices.Sort(lines)
	const layout = "2006-01-02T15:04:05.000000Z"
	return fmt.Sprintf("%s\nkind %s, status %s\ntrace %s, span %s, flags %s\n%s to %s\n%s\n",
		s.Name, s.SpanKind, s.Status.Code, s.SpanContext.TraceID(), s.SpanContext.SpanID(), s.SpanContext.TraceFlags(),
		s.StartTime.UTC().Format(layout), s.EndTime.UTC().Format(layout), strings.Join(lines, "\n"))
}

func TestExportRefusesRecord(t *testing.T) {
	t.Parallel()
	config := newConfig(t, traceinject.Options{Exporter: &keptSpans{}}, nil)
	trace, err := config.Tracer().Recall(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "null", "{}", "[]", "{", `{"started_at": -1}`, `{"started_at": 1e300}`,
		`{"started_at": 1767225600000, "latencies": {"request": 1e12}}`,
	} {
		if err := exportText(config, trace, []byte(text)); err == nil {
			t.Errorf("%q makes a span", text)
		}
	}
}

func FuzzExport(f *testing.F) {
	records, err := filepath.Glob("testdata/spans/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range records {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("{\"started_at\":1767225600000,\"request\":{\"method\":\"\xff\"}}"))
	spans := &keptSpans{limit: 1}
	config := newConfig(f, traceinject.Options{Exporter: spans}, nil)
	trace, err := config.Tracer().Recall(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = exportText(config, trace, text) // must not panic, whatever Kong writes
	})
}
