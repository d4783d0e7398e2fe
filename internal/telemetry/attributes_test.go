package telemetry_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehousehq/gatehouse/internal/telemetry"
)

// only is the one span that was recorded: its name, whether it failed, and its attributes.
func only(t *testing.T, spans *tracetest.SpanRecorder) (name string, failed bool, attributes map[string]string) {
	t.Helper()
	ended := spans.Ended()
	if len(ended) != 1 {
		t.Fatalf("%d spans, want 1", len(ended))
	}
	attributes = make(map[string]string)
	for _, kv := range ended[0].Attributes() {
		attributes[string(kv.Key)] = kv.Value.String()
	}
	return ended[0].Name(), ended[0].Status().Code == codes.Error, attributes
}

func TestServerSpan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method string
		status int // 0: the handler says none
		name   string
		failed bool
		want   map[string]string
	}{
		"a page":         {"GET", 0, "GET /pages/{id}", false, map[string]string{"http.request.method": "GET", "http.response.status_code": "200"}},
		"not found":      {"GET", 404, "GET /pages/{id}", false, map[string]string{"http.request.method": "GET", "http.response.status_code": "404"}},
		"a failure":      {"GET", 502, "GET /pages/{id}", true, map[string]string{"http.request.method": "GET", "http.response.status_code": "502", "error.type": "502"}},
		"unheard method": {"BREW", 405, "HTTP /pages/{id}", false, map[string]string{"http.request.method": "_OTHER", "http.request.method_original": "BREW", "http.response.status_code": "405"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			tel := telemetry.With(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
			h := tel.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.status != 0 {
					w.WriteHeader(tc.status)
				}
			}), func(*http.Request) string { return "/pages/{id}" })
			r := httptest.NewRequest(tc.method, "http://bff:8081/pages/7?email=joe@example.com", nil)
			r.Header = http.Header{"User-Agent": {"curl/8.5"}, "X-Real-Ip": {"203.0.113.7"}, "X-Forwarded-For": {"joe@example.com"}}
			h.ServeHTTP(httptest.NewRecorder(), r)
			got, failed, attributes := only(t, spans)
			if got != tc.name || failed != tc.failed {
				t.Errorf("span %q, failed %v; want %q, %v", got, failed, tc.name, tc.failed)
			}
			for key, value := range map[string]string{
				"http.route": "/pages/{id}", "url.scheme": "http", "url.path": "/pages/7",
				"server.address": "bff", "server.port": "8081", "network.protocol.version": "1.1",
				"user_agent.original": "curl/8.5", "client.address": "203.0.113.7",
			} {
				tc.want[key] = value
			}
			if diff := cmp.Diff(tc.want, attributes); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

// answers is a transport that answers what it is told.
type answers struct {
	status int
	body   io.Reader
	err    error
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(a.body)}, nil
}

// broken is a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestClientSpan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		transport answers
		failed    bool
		want      map[string]string
	}{
		"an answer":     {answers{status: 200, body: strings.NewReader("{}")}, false, map[string]string{"http.response.status_code": "200"}},
		"a refusal":     {answers{status: 404, body: strings.NewReader("{}")}, true, map[string]string{"http.response.status_code": "404", "error.type": "404"}},
		"nobody there":  {answers{err: errors.New("refused")}, true, map[string]string{"error.type": "*errors.errorString"}},
		"half a answer": {answers{status: 200, body: broken{}}, true, map[string]string{"http.response.status_code": "200", "error.type": "*errors.errorString"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			tel := telemetry.With(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://users:9102/v1/users/u1?x=1", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := tel.Client(tc.transport).Do(r); err == nil {
				if len(spans.Ended()) != 0 {
					t.Error("the span ended before the body did")
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			got, failed, attributes := only(t, spans)
			if got != "GET" || failed != tc.failed {
				t.Errorf("span %q, failed %v; want GET, %v", got, failed, tc.failed)
			}
			tc.want["http.request.method"], tc.want["server.address"], tc.want["server.port"] = "GET", "users", "9102"
			if diff := cmp.Diff(tc.want, attributes); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}
