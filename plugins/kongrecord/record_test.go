package kongrecord_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

func TestParseRecord(t *testing.T) {
	t.Parallel()
	r, err := kongrecord.Parse([]byte(`{
		"request": {"id": "6b3f", "method": "GET", "uri": "/x", "url": "https://api.example:8443/x", "tls": {"version": "TLSv1.3"}, "headers": {"a": "\u0000", "user-agent": "curl/8"}},
		"response": {"status": 200, "size": 512}, "latencies": {"kong": 2, "proxy": -1, "request": 14},
		"route": {"id": "r1", "name": "orders", "paths": ["/x"]}, "service": {"name": "orders"},
		"consumer": {"custom_id": "acme"}, "authenticated_entity": {"id": "k1"},
		"tries": [{"ip": "127.0.0.1", "port": 8080, "balancer_start": 1763954021001, "state": "failed", "code": 502},
			{"ip": "::1", "port": 8081, "balancer_start": 1763954021003, "balancer_start_ns": 1763954021003250000}],
		"upstream_status": "502, 200", "started_at": 1763954021000, "source": "upstream"
	}`))
	if err != nil {
		t.Fatal(err)
	}
	var want kongrecord.Record
	want.Request.ID, want.Request.Method, want.Request.URI, want.Request.TLS = "6b3f", "GET", "/x", true
	want.Request.Host, want.Request.Port, want.Request.UserAgent = "api.example", 8443, "curl/8"
	want.Response.Status, want.Response.Size = 200, 512
	want.Latencies = kongrecord.Latencies{Request: 14, Kong: 2, Proxy: -1}
	want.Route.ID, want.Route.Name, want.Route.Paths = "r1", "orders", []string{"/x"}
	want.Service.Name, want.Consumer.CustomID, want.Credential.ID = "orders", "acme", "k1"
	want.StartedAt, want.Source = 1763954021000, "upstream"
	want.Tries = []kongrecord.Try{
		{Address: "127.0.0.1", Port: 8080, Status: 502, StartedAt: 1763954021001, Took: 2.25},
		{Address: "::1", Port: 8081, Status: 200, Answered: true, StartedAt: 1763954021003.25, Took: -1},
	}
	if diff := cmp.Diff(&want, r); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// TestParseRecordToleratesLua: an empty table has no type, and a null is none.
func TestParseRecordToleratesLua(t *testing.T) {
	t.Parallel()
	for text, method := range map[string]string{
		`{"route": [], "consumer": [], "tries": {}, "request": {"method": "GET", "tls": null}}`: "GET",
		`{"response": {"status": "200"}, "request": {"method": "GET"}}`:                         "GET",
		`[]`:   "",
		`null`: "",
	} {
		r, err := kongrecord.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if r.Request.Method != method || r.Request.TLS || len(r.Tries) != 0 {
			t.Errorf("%s reads as %+v", text, r)
		}
	}
	for _, text := range []string{"", "{", `{"request": {"method": "GET"}`} {
		if _, err := kongrecord.Parse([]byte(text)); err == nil {
			t.Errorf("%q is no JSON", text)
		}
	}
}

// TestParseHost: a URL that was redacted, or that says no port, has none.
func TestParseHost(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct {
		host string
		port int
	}{
		"http://api.example:8000/x?a=b://c:1/": {"api.example", 8000},
		"http://[2001:db8::1]:8000/":           {"[2001:db8::1]", 8000},
		"http://[2001:db8::1]/":                {"[2001:db8::1]", 0},
		"http://api.example":                   {"api.example", 0},
		"http://api.example:99999/":            {"api.example:99999", 0},
		"[dropped]":                            {"", 0},
	} {
		r, err := kongrecord.Parse([]byte(`{"request": {"url": "` + url + `"}}`))
		if err != nil || r.Request.Host != want.host || r.Request.Port != want.port {
			t.Errorf("%s: host %q, port %d, error %v", url, r.Request.Host, r.Request.Port, err)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"request":{"tls":{}},"tries":[1],"trace_id":{"w3c":"1"},"gatehouse":{"a":[]}}`))
	f.Add([]byte("{\"request\":{\"method\":\"\xff\"}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := kongrecord.Parse(text)
		if (r == nil) == (err == nil) {
			t.Errorf("record %v, error %v", r, err)
		}
		if err != nil && json.Valid(text) {
			t.Errorf("valid JSON is refused: %v", err)
		}
	})
}
