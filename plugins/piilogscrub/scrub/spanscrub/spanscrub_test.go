package spanscrub_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub/spanscrub"
)

// record has one span made, and returns it as it leaves the process.
func record(t testing.TB, name string, make func(trace.Span)) tracetest.SpanStub {
	t.Helper()
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spanscrub.New(engine, spans)))
	_, span := provider.Tracer("test").Start(t.Context(), name)
	make(span)
	span.End()
	return tracetest.SpanStubFromReadOnlySpan(spans.Ended()[0])
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key    attribute.Key
		in, at string // at is the route
		want   string
	}{
		"a path with ids":              {"url.path", "/v1/users/u1/orders", "/v1/users/{user_id}/orders", "/v1/users/[field]/orders"},
		"a path behind its route":      {"url.path", "/web/v1/dashboard/joe@example.com", "/web/v1/dashboard", "/web/v1/dashboard/[email]"},
		"a path without a route":       {"url.path", "/joe@example.com", "", "/[email]"},
		"a URL":                        {"url.full", "https://shop/v1/users/u1?email=joe@example.com", "/v1/users/{user_id}", "https://shop/v1/users/[field]?email=[email]"},
		"a query":                      {"url.query", "password=hunter2&page=2", "", "password=[field]&page=2"},
		"a user agent":                 {"user_agent.original", "curl/8.5 (joe@example.com)", "", "curl/8.5 ([email])"},
		"a client's address":           {"client.address", "203.0.113.7", "", "203.0.113.0/24"},
		"a client's IPv6 address":      {"client.address", "2001:db8:7:8::9", "", "2001:db8:7::/48"},
		"a mapped address":             {"client.address", "::ffff:203.0.113.7", "", "203.0.113.0/24"},
		"a network":                    {"client.address", "203.0.113.0/24", "", "203.0.113.0/24"},
		"an address that is none":      {"client.address", "joe@example.com", "", "[email]"},
		"a peer's address":             {"network.peer.address", "203.0.113.7", "", "203.0.113.0/24"},
		"a server's address":           {"server.address", "10.1.2.3", "", "10.1.2.3"},
		"a server's name":              {"server.address", "users.internal", "", "users.internal"},
		"a server that a client wrote": {"server.address", "joe@example.com", "", "[email]"},
		"a field by its name":          {"app.password", "hunter2", "", "[field]"},
		"a route":                      {"http.route", "/v1/users/{user_id}", "", "/v1/users/{user_id}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			span := record(t, "GET", func(s trace.Span) {
				if tc.at != "" {
					s.SetAttributes(attribute.String("http.route", tc.at))
				}
				s.SetAttributes(tc.key.String(tc.in), attribute.Int("http.response.status_code", 200))
			})
			got := attribute.NewSet(span.Attributes...)
			if value, _ := got.Value(tc.key); value.AsString() != tc.want {
				t.Errorf("%s is %q, want %q", tc.key, value.AsString(), tc.want)
			}
			if status, _ := got.Value("http.response.status_code"); status.AsInt64() != 200 {
				t.Errorf("the status became %v", status)
			}
		})
	}
}

// TestEverywhere: personal data is in no other part of a span either.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	const joe, clean = "to joe@example.com", "to [email]"
	span := record(t, joe, func(s trace.Span) {
		s.SetAttributes(attribute.StringSlice("recipients", []string{"nobody", joe}))
		s.AddEvent(joe, trace.WithAttributes(attribute.String("message", joe)))
		s.AddLink(trace.Link{Attributes: []attribute.KeyValue{attribute.String("why", joe)}})
		s.RecordError(errors.New(joe))
		s.SetStatus(codes.Error, joe)
	})
	got := map[string]string{
		"name":        span.Name,
		"attribute":   span.Attributes[0].Value.AsStringSlice()[1],
		"event":       span.Events[0].Name,
		"its message": span.Events[0].Attributes[0].Value.AsString(),
		"exception":   span.Events[1].Attributes[1].Value.AsString(),
		"status":      span.Status.Description,
		"link":        span.Links[0].Attributes[0].Value.AsString(),
	}
	want := map[string]string{}
	for part := range got {
		want[part] = clean
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
}

// BenchmarkServerSpan is what a batch processor does of a BFF's server span.
func BenchmarkServerSpan(b *testing.B) {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		b.Fatal(err)
	}
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spanscrub.New(engine, spans)))
	_, s := provider.Tracer("test").Start(b.Context(), "GET /web/v1/dashboard")
	s.SetAttributes(attribute.String("http.request.method", "GET"), attribute.String("url.scheme", "https"),
		attribute.String("url.path", "/web/v1/dashboard"), attribute.String("http.route", "/web/v1/dashboard"),
		attribute.String("server.address", "127.0.0.1"), attribute.String("network.protocol.version", "1.1"),
		attribute.String("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"),
		attribute.String("client.address", "203.0.113.7"), attribute.Int("http.response.status_code", 200))
	s.End()
	ended := spans.Ended()[0]
	b.ReportAllocs()
	for b.Loop() {
		_, _, _, _, _ = ended.Name(), ended.Attributes(), ended.Events(), ended.Links(), ended.Status()
	}
}
