package nginxlog

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// proxied is a line of our format about a request that an upstream answered.
func proxied() map[fact]string {
	return map[fact]string{
		factEnd: "1763954021.500", factTook: "0.012", factStatus: "200", factSent: "512", factBody: "70",
		factClient: "203.0.113.7", factScheme: "https", factRequest: "GET /web/v1/dashboard?email=ada@example.com HTTP/1.1",
		factReferrer: "https://app.example.com/?card=4111111111111111", factAgent: "curl/8", factID: "6b3f0a1c2d4e5f60718293a4b5c6d7e8",
		factUpstreamAddr: "10.0.0.1:8080", factUpstreamStatus: "200", factUpstreamHeader: "0.008", factUpstreamTook: "0.010",
		factHost: "shop.example", factPort: "8443", factTrace: "4bf92f3577b34da6a3ce929d0e0e4736",
	}
}

func factsLine(parts map[fact]string) string {
	line := factsVersion
	for i := range factCount {
		line += "\n" + parts[i]
	}
	return line
}

func TestFactsRecord(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit map[fact]string
		want func(*kongrecord.Record)
	}{
		{"proxied", nil, func(*kongrecord.Record) {}},
		{"refused by Kong", map[fact]string{factStatus: "401", factUpstreamAddr: "", factUpstreamStatus: "", factUpstreamHeader: "", factUpstreamTook: ""}, func(r *kongrecord.Record) {
			r.Response.Status, r.Source, r.Tries = 401, "kong", nil
			r.Latencies = kongrecord.Latencies{Request: 12, Kong: 12, Proxy: -1}
		}},
		{"no upstream answered", map[fact]string{factStatus: "502", factUpstreamAddr: "10.0.0.1:8080, [::1]:81", factUpstreamStatus: "502, 502", factUpstreamHeader: "-, -", factUpstreamTook: "0.001, 0.002"}, func(r *kongrecord.Record) {
			r.Response.Status, r.Source = 502, "kong"
			r.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Status: 502, Took: 1}, {Address: "::1", Port: 81, Status: 502, Took: 2}}
			r.Latencies = kongrecord.Latencies{Request: 12, Kong: 9, Proxy: -1}
		}},
		{"the second try answered", map[fact]string{factUpstreamAddr: "10.0.0.1:8080, unix:/run/s.sock", factUpstreamStatus: "502, 200", factUpstreamHeader: "-, 0.004", factUpstreamTook: "0.002, 0.006"}, func(r *kongrecord.Record) {
			r.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Status: 502, Took: 2}, {Address: "unix:/run/s.sock", Status: 200, Answered: true, Took: 6}}
			r.Latencies = kongrecord.Latencies{Request: 12, Kong: 4, Proxy: 4}
		}},
		{"a redirect within nginx", map[fact]string{factUpstreamAddr: "10.0.0.1:8080 : 10.0.0.2:8080", factUpstreamStatus: "404 : 200", factUpstreamHeader: "0.001 : 0.004", factUpstreamTook: "0.002 : 0.006"}, func(r *kongrecord.Record) {
			r.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Status: 404, Answered: true, Took: 2}, {Address: "10.0.0.2", Port: 8080, Status: 200, Answered: true, Took: 6}}
			r.Latencies = kongrecord.Latencies{Request: 12, Kong: 4, Proxy: 5}
		}},
		{"the client went away", map[fact]string{factStatus: "499", factUpstreamStatus: "-", factUpstreamHeader: "-", factUpstreamTook: "0.010"}, func(r *kongrecord.Record) {
			r.Response.Status, r.Source = 499, "kong"
			r.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Took: 10}}
			r.Latencies.Proxy = -1
		}},
		{"no target for another try", map[fact]string{factStatus: "503", factUpstreamAddr: "10.0.0.1:8080, kong_upstream", factUpstreamStatus: "502, 503", factUpstreamHeader: "-, -", factUpstreamTook: "0.010, 0.000"}, func(r *kongrecord.Record) {
			r.Response.Status, r.Source = 503, "kong"
			r.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Status: 502, Took: 10}}
			r.Latencies.Proxy = -1
		}},
		{"cut", map[fact]string{factRequest: "GET /" + strings.Repeat("a", Longest-5)}, func(r *kongrecord.Record) { r.Request.URI, r.Request.Protocol = "[dropped]", "" }},
		{"a user agent that is cut", map[fact]string{factAgent: strings.Repeat("a", Longest)}, func(r *kongrecord.Record) { r.Request.UserAgent = "[dropped]" }},
		{"not cut", map[fact]string{factRequest: "GET /" + strings.Repeat("a", Longest-15) + " HTTP/1.1"}, func(r *kongrecord.Record) { r.Request.URI = "/" + strings.Repeat("a", Longest-15) }},
		{"a clock of milliseconds", map[fact]string{factTook: "0.009"}, func(r *kongrecord.Record) {
			r.StartedAt = 1763954021491
			r.Latencies.Request, r.Latencies.Kong = 9, 0
		}},
		{"a request that is none", map[fact]string{factRequest: "\x16\x03\x01", factStatus: "400", factUpstreamAddr: "", factUpstreamStatus: "", factUpstreamHeader: "", factUpstreamTook: ""}, func(r *kongrecord.Record) {
			r.Request.Method, r.Request.URI, r.Request.Protocol = "\x16\x03\x01", "", ""
			r.Response.Status, r.Source, r.Tries = 400, "kong", nil
			r.Latencies = kongrecord.Latencies{Request: 12, Kong: 12, Proxy: -1}
		}},
		{"no trace", map[fact]string{factTrace: ""}, func(r *kongrecord.Record) { r.TraceID = nil }},
		{"a service's own beside it", map[fact]string{factTrace: "4bf92f3577b34da6a3ce929d0e0e4736, joe@example.com"}, func(r *kongrecord.Record) { r.TraceID = nil }},
		{"a target with blanks", map[fact]string{factRequest: "GET /a b HTTP/1.1", factScheme: "http"}, func(r *kongrecord.Record) {
			r.Request.URI, r.Request.TLS = "/a b", false
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parts := proxied()
			for k, v := range tt.edit {
				parts[k] = v
			}
			f, ok := parseFacts([]byte(factsLine(parts)))
			if !ok {
				t.Fatal("the line is not taken for one of the format")
			}
			want := new(kongrecord.Record)
			want.Request.ID, want.Request.Method, want.Request.URI, want.Request.TLS = "6b3f0a1c2d4e5f60718293a4b5c6d7e8", "GET", "/web/v1/dashboard?email=ada@example.com", true
			want.Request.Host, want.Request.Port, want.Request.Protocol, want.Request.UserAgent = "shop.example", 8443, "HTTP/1.1", "curl/8"
			want.Response.Status, want.Response.Size = 200, 512
			want.StartedAt, want.ClientIP, want.Source = 1763954021488, "203.0.113.7", "upstream"
			want.Tries = []kongrecord.Try{{Address: "10.0.0.1", Port: 8080, Status: 200, Answered: true, Took: 10}}
			want.Latencies = kongrecord.Latencies{Request: 12, Kong: 2, Proxy: 8}
			want.TraceID = "4bf92f3577b34da6a3ce929d0e0e4736"
			tt.want(want)
			approximately := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-3 && b-a < 1e-3 })
			if diff := cmp.Diff(want, f.record(), approximately); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFactsLine(t *testing.T) {
	t.Parallel()
	var ended []string
	w := writer{engine: newEngine(t), zone: time.UTC, ended: func(r *kongrecord.Record) { ended = append(ended, r.Request.ID) }}
	if log := w.line([]byte("<190>Nov 24 03:13:41 nginx: "+factsLine(proxied())), now); log != "access" {
		t.Errorf("it is from the log %q, want access", log)
	}
	const want = `{"time":"2025-11-24T03:13:41Z","log":"access","client_ip":"203.0.113.0","request":"GET /web/v1/dashboard?email=[email] HTTP/1.1","status":200,"bytes":70,` +
		`"referrer":"https://app.example.com/?card=[card:1111]","user_agent":"curl/8","request_id":"6b3f0a1c2d4e5f60718293a4b5c6d7e8","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}` + "\n"
	if diff := cmp.Diff(want, string(w.out)); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	if len(ended) != 1 || ended[0] != "6b3f0a1c2d4e5f60718293a4b5c6d7e8" {
		t.Errorf("told of %v, want the request", ended)
	}
}

// TestServiceSooner: whoever reads the log finds the service that says another date.
func TestServiceSooner(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	parts := proxied()
	for _, headers := range []string{"Sunset", "Deprecation,Sunset", ""} {
		parts[factSooner] = headers
		w := writer{engine: newEngine(t), zone: time.UTC, sooner: m.countSooner}
		_ = w.line([]byte(factsLine(parts)), now)
		if says := strings.Contains(string(w.out), `,"service_sooner":"`+headers+`"}`); says != (headers != "") {
			t.Errorf("%q: line %s", headers, w.out)
		}
	}
	for header, want := range map[string]float64{"Deprecation": 1, "Sunset": 2} {
		if got := testutil.ToFloat64(m.sooner.WithLabelValues(header)); got != want {
			t.Errorf("%s: %v responses, want %v", header, got, want)
		}
	}
}

// TestTraceOfWhoKnows: where the client is told none, the plugin knows it all the same.
func TestTraceOfWhoKnows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		told, known string
		want        string // of the line, behind the request's id
	}{
		"told":            {told: "4bf92f3577b34da6a3ce929d0e0e4736", want: `,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`},
		"known":           {known: "0af7651916cd43dd8448eb211c80319c", want: `,"trace_id":"0af7651916cd43dd8448eb211c80319c"}`},
		"neither":         {want: `}`},
		"a service's own": {told: "4bf92f3577b34da6a3ce929d0e0e4736", known: "0af7651916cd43dd8448eb211c80319c", want: `,"trace_id":"0af7651916cd43dd8448eb211c80319c"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := proxied()
			parts[factTrace] = tc.told
			w := writer{engine: newEngine(t), zone: time.UTC, ended: func(r *kongrecord.Record) {
				if tc.known != "" {
					r.TraceID = tc.known
				}
			}}
			_ = w.line([]byte(factsLine(parts)), now)
			if _, rest, _ := strings.Cut(string(w.out), `"6b3f0a1c2d4e5f60718293a4b5c6d7e8"`); rest != tc.want+"\n" {
				t.Errorf("the line ends with %s, want %s", rest, tc.want)
			}
		})
	}
}

// TestCutTextsAreDropped: half a card number is none that a detector knows.
func TestCutTextsAreDropped(t *testing.T) {
	t.Parallel()
	parts := proxied()
	for part, begins := range map[fact]string{factRequest: "GET /", factReferrer: "https://a.example/", factAgent: "curl "} {
		const half = "/41111111111"
		parts[part] = begins + strings.Repeat("z", Longest-len(begins)-len(half)) + half
	}
	w := writer{engine: newEngine(t), zone: time.UTC}
	_ = w.line([]byte(factsLine(parts)), now)
	if text := string(w.out); strings.Contains(text, "4111") || strings.Count(text, `"[dropped]"`) != 3 {
		t.Errorf("line %s", text)
	}
}

// One part must never pass for the next.
func TestFactsRefusesOtherLines(t *testing.T) {
	t.Parallel()
	whole := factsLine(proxied())
	for name, line := range map[string]string{
		"empty":           "",
		"another version": strings.Replace(whole, factsVersion, "gatehouse/0", 1),
		"a part too few":  whole[:strings.LastIndex(whole, "\n")],
		"a part too many": whole + "\n",
		"Kong's format":   `203.0.113.7 - - [24/Nov/2025:03:13:41 +0000] "GET / HTTP/1.1" 200 4821 "-" "-" kong_request_id: ""`,
	} {
		if _, ok := parseFacts([]byte(line)); ok {
			t.Errorf("%s: taken for a line of the format", name)
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(factsLine(proxied())))
	f.Fuzz(func(t *testing.T, line []byte) {
		facts, ok := parseFacts(line)
		if !ok {
			return
		}
		if r := facts.record(); r.Latencies.Kong < 0 || len(r.Tries) > len(line) || r.Source != "kong" && r.Source != "upstream" {
			t.Errorf("record %+v of %q", r, line)
		}
	})
}

// TestIncludeFile holds the file that operators install to what is parsed.
func TestIncludeFile(t *testing.T) {
	t.Parallel()
	golden.Check(t, filepath.Join("..", "..", "..", "deploy", "kong", "gatehouse-access.conf"), Include())
}
