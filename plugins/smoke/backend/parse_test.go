package backend

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

const (
	theTrace = "0af7651916cd43dd8448eb211c80319c"
	root     = "00f067aa0ba902b7"
	child    = "b7ad6b7169203331"
)

// want are the two spans that each backend's answer below has.
func want() []hops.Span {
	start := time.Date(2026, 11, 29, 12, 0, 0, 123456000, time.UTC)
	return []hops.Span{
		{TraceID: theTrace, ID: root, Service: "kong", Name: "GET /web", Kind: "server", Start: start, End: start.Add(25 * time.Millisecond),
			Attributes: map[string]string{"kong.upstream.tries": "1", "tls": "true", "ratio": "0.5"}},
		{TraceID: theTrace, ID: child, ParentID: root, Service: "web-bff", Name: "GET", Kind: "client", Failed: true,
			Start: start.Add(time.Millisecond), End: start.Add(2 * time.Millisecond), Attributes: map[string]string{"server.address": "orders"}},
	}
}

const receiverAnswer = `[
 {"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"00f067aa0ba902b7","name":"GET /web","kind":"server","service":"kong",
  "start":"2026-11-29T12:00:00.123456Z","end":"2026-11-29T12:00:00.148456Z","status":"unset",
  "attributes":{"kong.upstream.tries":1,"tls":true,"ratio":0.5,"list":[1]},"links":[{"trace_id":"1","span_id":"2"}]},
 {"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","parent_span_id":"00f067aa0ba902b7","name":"GET","kind":"client",
  "service":"web-bff","start":"2026-11-29T12:00:00.124456Z","end":"2026-11-29T12:00:00.125456Z","status":"error","attributes":{"server.address":"orders"}},
 {"trace_id":"no id","span_id":"1","name":"x"}]`

// Jaeger's has two processes, tags with types, and leaves out zeros at the left.
const jaegerAnswer = `{"data":[{"traceID":"af7651916cd43dd8448eb211c80319c","spans":[
 {"traceID":"af7651916cd43dd8448eb211c80319c","spanID":"f067aa0ba902b7","operationName":"GET /web","references":[
   {"refType":"FOLLOWS_FROM","traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spanID":"b7ad6b7169203331"}],
  "startTime":1795953600123456,"duration":25000,"tags":[{"key":"span.kind","type":"string","value":"server"},
   {"key":"kong.upstream.tries","type":"int64","value":1},{"key":"tls","type":"bool","value":true},{"key":"ratio","type":"float64","value":0.5}],
  "logs":[],"processID":"p1","warnings":null},
 {"traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"b7ad6b7169203331","operationName":"GET","references":[
   {"refType":"CHILD_OF","traceID":"0af7651916cd43dd8448eb211c80319c","spanID":"00f067aa0ba902b7"}],
  "startTime":1795953600124456,"duration":1000,"tags":[{"key":"span.kind","type":"string","value":"client"},
   {"key":"error","type":"bool","value":true},{"key":"server.address","type":"string","value":"orders"}],"processID":"p2"}],
 "processes":{"p1":{"serviceName":"kong","tags":[]},"p2":{"serviceName":"web-bff","tags":[]}}}],"total":0,"limit":0,"offset":0,"errors":null}`

// Tempo's has ids in base64, times as text, and names for numbers.
const tempoAnswer = `{"batches":[
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"kong"}}]},"scopeSpans":[{"scope":{"name":"s"},"spans":[
  {"traceId":"CvdlGRbNQ92ESOshHIAxnA==","spanId":"APBnqgupArc=","name":"GET /web","kind":"SPAN_KIND_SERVER",
   "startTimeUnixNano":"1795953600123456000","endTimeUnixNano":"1795953600148456000","attributes":[
    {"key":"kong.upstream.tries","value":{"intValue":"1"}},{"key":"tls","value":{"boolValue":true}},{"key":"ratio","value":{"doubleValue":0.5}},
    {"key":"list","value":{"arrayValue":{"values":[]}}}],"status":{}}]}]},
 {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web-bff"}}]},"scopeSpans":[{"spans":[
  {"traceId":"CvdlGRbNQ92ESOshHIAxnA==","spanId":"t61rcWkgMzE=","parentSpanId":"APBnqgupArc=","name":"GET","kind":"SPAN_KIND_CLIENT",
   "startTimeUnixNano":"1795953600124456000","endTimeUnixNano":"1795953600125456000","attributes":[{"key":"server.address","value":{"stringValue":"orders"}}],
   "status":{"code":"STATUS_CODE_ERROR"}}]}]}]}`

// tempoOTLP is the same as OTLP's own JSON has it: ids in hex, numbers for names.
func tempoOTLP() string {
	return `{"trace":` + strings.NewReplacer(`"batches"`, `"resourceSpans"`, "CvdlGRbNQ92ESOshHIAxnA==", theTrace, "APBnqgupArc=", root, "t61rcWkgMzE=", child,
		`"SPAN_KIND_SERVER"`, "2", `"SPAN_KIND_CLIENT"`, "3", `"STATUS_CODE_ERROR"`, "2", `"1795953600123456000"`, "1795953600123456000").Replace(tempoAnswer) + `}`
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parse func([]byte) ([]hops.Span, error)
		text  string
	}{
		"receiver":   {parseReceiver, receiverAnswer},
		"Jaeger":     {parseJaeger, jaegerAnswer},
		"Tempo":      {parseTempo, tempoAnswer},
		"Tempo OTLP": {parseTempo, tempoOTLP()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.parse([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want(), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestParseWrong: what is no answer is an error that says whose; what has no spans has none.
func TestParseWrong(t *testing.T) {
	t.Parallel()
	parsers := map[string]func([]byte) ([]hops.Span, error){"the receiver": parseReceiver, "Jaeger": parseJaeger, "Tempo": parseTempo}
	for whose, parse := range parsers {
		for text, wrong := range map[string]bool{"": true, "<html>": true, `"text"`: true, "null": false} {
			if spans, err := parse([]byte(text)); (err != nil) != wrong || len(spans) > 0 || err != nil && !strings.Contains(err.Error(), whose) {
				t.Errorf("%s: %q: spans %v, error %v", whose, text, spans, err)
			}
		}
	}
	for name, text := range map[string]string{
		"a time before all":  `{"batches":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"-1"}]}]}]}`,
		"a time after all":   `{"batches":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"99999999999999999999"}]}]}]}`,
		"ids of no length":   `{"batches":[{"scopeSpans":[{"spans":[{"traceId":"AA==","spanId":"AA=="}]}]}]}`,
		"a kind of nobody's": `{"batches":[{"scopeSpans":[{"spans":[{"traceId":"` + theTrace + `","spanId":"` + root + `","kind":99}]}]}]}`,
	} {
		spans, err := parseTempo([]byte(text))
		if bad := strings.HasPrefix(name, "a time"); (err != nil) != bad {
			t.Errorf("%s: spans %v, error %v", name, spans, err)
		}
	}
}

func TestParseTempoSearch(t *testing.T) {
	t.Parallel()
	ids, err := parseTempoSearch([]byte(`{"traces":[{"traceID":"af7651916cd43dd8448eb211c80319c","rootServiceName":"kong"},{"traceID":"no id"}],"metrics":{}}`))
	if err != nil || len(ids) != 1 || ids[0] != theTrace {
		t.Errorf("ids %q, error %v", ids, err)
	}
	if _, err := parseTempoSearch([]byte("[]")); err == nil {
		t.Error("a list is no answer")
	}
}

func TestParseRequests(t *testing.T) {
	t.Parallel()
	got, err := parseRequests("orders", []byte(`{"requests":[{"method":"GET","headers":{"Traceparent":["00-a"],"X-Two":["1","2"]},"time":"2026-11-29T12:00:00Z"}]}`))
	want := []hops.Arrival{{Service: "orders", Time: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Header: map[string]string{"traceparent": "00-a", "x-two": "1,2"}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	if _, err := parseRequests("orders", []byte("{")); err == nil || !strings.Contains(err.Error(), "orders") {
		t.Errorf("error %v", err)
	}
}

// fuzz holds of any answer: it is an error, or has spans that can be judged and drawn.
func fuzz(f *testing.F, parse func([]byte) ([]hops.Span, error), answers ...string) {
	for _, answer := range append(answers, "", "null", "[]", "{}") {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		spans, err := parse(text)
		for _, s := range spans {
			if len(s.TraceID) != traceDigits || len(s.ID) != spanDigits || s.ParentID != "" && len(s.ParentID) != spanDigits || err != nil {
				t.Fatalf("a span of ids %q, %q, %q, error %v", s.TraceID, s.ID, s.ParentID, err)
			}
		}
		hops.Judge(hops.Call{Trace: theTrace}, hops.Evidence{Trace: spans, Client: spans, Others: spans})
		var out strings.Builder
		if err := hops.Draw(&out, spans); err != nil || strings.ContainsAny(out.String(), "\x1b\x00\r") {
			t.Fatalf("%q, error %v", out.String(), err)
		}
	})
}

func FuzzReceiver(f *testing.F) { fuzz(f, parseReceiver, receiverAnswer) }
func FuzzJaeger(f *testing.F)   { fuzz(f, parseJaeger, jaegerAnswer) }
func FuzzTempo(f *testing.F)    { fuzz(f, parseTempo, tempoAnswer, tempoOTLP()) }
