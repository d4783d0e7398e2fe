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
		"request": {"id": "6b3f", "method": "GET", "uri": "/x", "tls": {"version": "TLSv1.3"}, "headers": {"a": "\u0000"}},
		"response": {"status": 200, "size": 512}, "latencies": {"kong": 2, "proxy": -1, "request": 14},
		"route": {"id": "r1", "name": "orders", "paths": ["/x"]}, "service": {"name": "orders"},
		"consumer": {"custom_id": "acme"}, "authenticated_entity": {"id": "k1"},
		"tries": [{"ip": "127.0.0.1"}, {}], "started_at": 1763954021000, "source": "upstream"
	}`))
	if err != nil {
		t.Fatal(err)
	}
	var want kongrecord.Record
	want.Request.ID, want.Request.Method, want.Request.URI, want.Request.TLS = "6b3f", "GET", "/x", true
	want.Response.Status, want.Response.Size = 200, 512
	want.Latencies = kongrecord.Latencies{Request: 14, Kong: 2, Proxy: -1}
	want.Route.ID, want.Route.Name, want.Route.Paths = "r1", "orders", []string{"/x"}
	want.Service.Name, want.Consumer.CustomID, want.Credential.ID = "orders", "acme", "k1"
	want.Tries, want.StartedAt, want.Source = 2, 1763954021000, "upstream"
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
		if r.Request.Method != method || r.Request.TLS || r.Tries != 0 {
			t.Errorf("%s reads as %+v", text, r)
		}
	}
	for _, text := range []string{"", "{", `{"request": {"method": "GET"}`} {
		if _, err := kongrecord.Parse([]byte(text)); err == nil {
			t.Errorf("%q is no JSON", text)
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
