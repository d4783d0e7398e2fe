package formats_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	half    = "0000000000000000a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

var all = []formats.Format{formats.W3C, formats.B3, formats.B3Single, formats.Jaeger, formats.OT, formats.Datadog, formats.AWS, formats.GCP}

func parent(t *testing.T, text string) tracecontext.Traceparent {
	t.Helper()
	p, err := tracecontext.ParseTraceparent(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func from(headers map[string]string) func(string) string {
	return func(name string) string { return headers[name] }
}

// TestRead has each format as its own documents write it.
func TestRead(t *testing.T) {
	t.Parallel()
	const sampled, not = "00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-00"
	tests := []struct {
		name      string
		format    formats.Format
		headers   map[string]string
		want      string // a traceparent; empty: none
		undecided bool
		writes    formats.Format
	}{
		{"w3c", "w3c", map[string]string{"traceparent": sampled}, sampled, false, "w3c"},
		{"b3", "b3", map[string]string{"x-b3-traceid": traceID, "x-b3-spanid": spanID, "x-b3-sampled": "1"}, sampled, false, "b3"},
		{"b3, debug", "b3", map[string]string{"x-b3-traceid": traceID, "x-b3-spanid": spanID, "x-b3-flags": "1"}, sampled, false, "b3"},
		{"b3, undecided", "b3", map[string]string{"x-b3-traceid": traceID, "x-b3-spanid": spanID}, not, true, "b3"},
		{"b3, 64 bits", "b3", map[string]string{"x-b3-traceid": traceID[16:], "x-b3-spanid": spanID, "x-b3-sampled": "0"}, "00-" + half + "-" + spanID + "-00", false, "b3"},
		{"b3, no span", "b3", map[string]string{"x-b3-sampled": "1"}, "", false, ""},
		{"b3, single", "b3", map[string]string{"b3": traceID + "-" + spanID + "-1"}, sampled, false, "b3-single"},
		{"b3, single, debug", "b3", map[string]string{"b3": traceID + "-" + spanID + "-d-05e3ac9a4f6e3b90"}, sampled, false, "b3-single"},
		{"b3, single, undecided", "b3", map[string]string{"b3": traceID + "-" + spanID}, not, true, "b3-single"},
		{"b3, single, no span", "b3", map[string]string{"b3": "0"}, "", false, ""},
		{"jaeger", "jaeger", map[string]string{"uber-trace-id": traceID + ":" + spanID + ":0:1"}, sampled, false, "jaeger"},
		{"jaeger, short", "jaeger", map[string]string{"uber-trace-id": "a3ce929d0e0e4736:f067aa0ba902b7:0:0"}, "00-" + half + "-" + spanID + "-00", false, "jaeger"},
		{"ot", "ot", map[string]string{"ot-tracer-traceid": traceID, "ot-tracer-spanid": spanID, "ot-tracer-sampled": "true"}, sampled, false, "ot"},
		{"ot, undecided", "ot", map[string]string{"ot-tracer-traceid": traceID, "ot-tracer-spanid": spanID}, not, true, "ot"},
		{"datadog", "datadog", map[string]string{"x-datadog-trace-id": "11803532876627986230", "x-datadog-parent-id": "67667974448284343", "x-datadog-sampling-priority": "2", "x-datadog-tags": "_dd.p.dm=-1,_dd.p.tid=4bf92f3577b34da6"}, sampled, false, "datadog"},
		{"datadog, 64 bits, undecided", "datadog", map[string]string{"x-datadog-trace-id": "11803532876627986230", "x-datadog-parent-id": "67667974448284343"}, "00-" + half + "-" + spanID + "-00", true, "datadog"},
		{"datadog, no such half", "datadog", map[string]string{"x-datadog-trace-id": "1", "x-datadog-parent-id": "1", "x-datadog-tags": "_dd.p.tid=jane"}, "", false, ""},
		{"datadog, no number", "datadog", map[string]string{"x-datadog-trace-id": "-1", "x-datadog-parent-id": "1"}, "", false, ""},
		{"aws", "aws", map[string]string{"x-amzn-trace-id": "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" + spanID + ";Sampled=1"}, sampled, false, "aws"},
		{"aws, undecided", "aws", map[string]string{"x-amzn-trace-id": "Sampled=?; Parent=" + spanID + "; Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"}, not, true, "aws"},
		{"aws, a load balancer's", "aws", map[string]string{"x-amzn-trace-id": "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"}, "", false, ""},
		{"aws, another version", "aws", map[string]string{"x-amzn-trace-id": "Root=2-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" + spanID}, "", false, ""},
		{"gcp", "gcp", map[string]string{"x-cloud-trace-context": traceID + "/67667974448284343;o=1"}, sampled, false, "gcp"},
		{"gcp, undecided", "gcp", map[string]string{"x-cloud-trace-context": traceID + "/67667974448284343"}, not, true, "gcp"},
		{"gcp, no span", "gcp", map[string]string{"x-cloud-trace-context": traceID}, "", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, ok := tt.format.Read(from(tt.headers))
			if ok != (tt.want != "") {
				t.Fatalf("found %v: %+v", ok, found)
			}
			if !ok {
				return
			}
			want := formats.Found{Span: parent(t, tt.want), Undecided: tt.undecided, Format: tt.writes}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			for name := range tt.headers {
				if _, twice := tt.format.Read(from(with(tt.headers, name, ","))); twice && name != "x-datadog-tags" {
					t.Errorf("two lines of %s are believed", name)
				}
			}
		})
	}
}

func with(headers map[string]string, name, more string) map[string]string {
	headers = maps.Clone(headers)
	headers[name] += more
	return headers
}

// TestRoundTrip: what a format writes it reads again, but for what it cannot say.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, format := range all {
		for _, text := range []string{"00-" + traceID + "-" + spanID + "-01", "00-" + half + "-" + spanID + "-00"} {
			headers := map[string]string{}
			format.Write(parent(t, text), func(name, value string) { headers[name] = value })
			found, ok := format.Read(from(headers))
			want := text
			if format == formats.OT {
				want = strings.Replace(text, traceID, half, 1)
			}
			if !ok || found.Undecided || found.Span != parent(t, want) {
				t.Errorf("%s writes %v and reads %+v, %v; want %s", format, headers, found, ok, want)
			}
			for name := range headers {
				if !slices.Contains(format.Headers(), name) {
					t.Errorf("%s writes %s, which is none of its headers", format, name)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1")
	f.Add("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1")
	f.Add("4bf92f3577b34da6a3ce929d0e0e4736/67667974448284343;o=1")
	f.Add("4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1")
	f.Fuzz(func(t *testing.T, value string) {
		for _, format := range all {
			found, ok := format.Read(func(string) string { return value })
			if ok && (found.Span.TraceID.IsZero() || found.Span.SpanID.IsZero()) {
				t.Errorf("%s finds %+v in %q", format, found, value)
			}
		}
	})
}
