package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// acceptCases are what clients accept of /partner/orders, and which of the config's versions
// they get: v2 is the default, and 406 is none.
var acceptCases = []struct{ accept, want string }{
	{"", "v2"},
	{"*/*", "v2"},
	{"application/*", "v2"},
	{"application/json", "v2"},
	{"*; q=.2, */*; q=.2", "v2"},
	{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "v2"},
	{"application/vnd.gatehouse.v1+json", "v1"},
	{"application/vnd.gatehouse.v2+json", "v2"},
	{"APPLICATION/VND.Gatehouse.V1+JSON", "v1"},
	{"application/vnd.gatehouse.v2+json;q=0.9", "v2"},
	{"application/vnd.gatehouse.v1+json;q=0.9", "v1"},
	{"application/vnd.gatehouse.v1+json; charset=utf-8", "v1"},
	{`application/vnd.gatehouse.v1+json;charset="UTF-8" ; q=0.1`, "v1"},
	{"text/html, application/vnd.gatehouse.v1+json", "v1"},
	{"application/vnd.gatehouse.v1+json;q=0.8, application/vnd.gatehouse.v2+json;q=0.9", "v2"},
	{"application/vnd.gatehouse.v2+json;q=0.8, application/vnd.gatehouse.v1+json;q=0.9", "v1"},
	{"application/vnd.gatehouse.v1+json, */*", "v1"},
	{"application/vnd.gatehouse.v1+json;q=0.5, */*", "v2"},
	{"application/vnd.gatehouse.v1+json, application/json", "v1"},
	{"application/vnd.gatehouse.v1+json, application/vnd.gatehouse.v2+json", "v2"},
	{"*/*, application/vnd.gatehouse.v2+json;q=0", "v1"},
	{"application/json;version=1", "v1"},
	{`application/json; version="v2"`, "v2"},
	{"application/json;version=1;q=0.5, application/json;version=2;q=0.4", "v1"},
	{"*/*;version=1", "v1"},
	{"application/json;version=9, */*;q=0.1", "v2"},
	{"application/json;version=9", "406"},
	{"application/vnd.gatehouse.v3+json", "406"},
	{"application/vnd.gatehouse.v1+json;version=2", "406"},
	{"text/html", "406"},
	{"*/*;q=0", "406"},
	{"application/json;q=2", "406"},
}

// TestNegotiation: one path, and the version that Accept asks for.
func TestNegotiation(t *testing.T) {
	for _, tt := range acceptCases {
		t.Run(tt.accept, func(t *testing.T) {
			headers := []string{partnerKey}
			if tt.accept != "" {
				headers = append(headers, "Accept: "+tt.accept)
			}
			a := get(t, "/partner/orders", headers...)
			wantVersion(t, a, tt.want)
		})
	}
}

// TestNegotiationOfLines: a header of several lines is one list.
func TestNegotiationOfLines(t *testing.T) {
	a := get(t, "/partner/orders", partnerKey, "Accept: text/html", "Accept: application/vnd.gatehouse.v1+json;q=0.5, application/json;q=0.4")
	wantVersion(t, a, "v1")
}

// TestVersionByHeader: the header narrows what Accept may choose from, and the internal
// header is the gateway's, whoever writes it and in whatever spelling.
func TestVersionByHeader(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"a number", []string{"X-API-Version: 1"}, "v1"},
		{"a name", []string{"X-API-Version: V1"}, "v1"},
		{"with what accepts it", []string{"X-API-Version: 1", "Accept: application/vnd.gatehouse.v1+json"}, "v1"},
		{"with what accepts another", []string{"X-API-Version: 1", "Accept: application/vnd.gatehouse.v2+json"}, "406"},
		{"one that there is not", []string{"X-API-Version: 3"}, "406"},
		{"two", []string{"X-API-Version: 1", "X-API-Version: 2"}, "406"},
		{"a client's internal header", []string{"X-Gatehouse-Version: v1"}, "v2"},
		{"in several lines", []string{"X-Gatehouse-Version: v1", "X-Gatehouse-Version: v1"}, "v2"},
		{"with underscores", []string{"X_Gatehouse_Version: v1"}, "v2"},
		{"with one underscore, against another", []string{"x-gatehouse_version: v2", "X_Gatehouse-Version: v2", "X-API-Version: 1"}, "v1"},
		{"named by Connection", []string{"Connection: X-Gatehouse-Version", "X-API-Version: 1"}, "v1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantVersion(t, get(t, "/partner/orders", append(tt.headers, partnerKey)...), tt.want)
		})
	}
}

// TestVersionOfDisguisedPaths: a path that Kong reads as the API's is the API's.
func TestVersionOfDisguisedPaths(t *testing.T) {
	mayBreakContract(t)
	for _, path := range []string{"/partner//orders", "/partner/%6frders", "/x/../partner/orders", "/partner/orders?a=b"} {
		wantVersion(t, get(t, path, partnerKey, "X-Gatehouse-Version: v1"), "v2")
	}
}

// wantVersion wants an answer of a version's service, and to be told that another Accept
// gets another answer.
func wantVersion(t *testing.T, a answer, want string) {
	t.Helper()
	varies := false
	for _, line := range a.header.Values("Vary") {
		varies = varies || strings.Contains(line, "Accept, X-API-Version")
	}
	if !varies {
		t.Errorf("Vary is %q", a.header.Values("Vary"))
	}
	if want == "406" {
		wantNotAcceptable(t, a)
		return
	}
	a.wantStatus(t, http.StatusOK)
	wantHeader(t, a.header, "Content-Type", "application/json; charset=utf-8") // as the service wrote it
	if path := receivedOnce(t, "orders", a.traceID(t)).Path; path != "/"+want+"/orders" {
		t.Errorf("the service received %s, want %s", path, want)
	}
	if deprecated := a.header.Get("Deprecation") != ""; deprecated != (want == "v1") {
		t.Errorf("Deprecation is %q for %s", a.header.Get("Deprecation"), want)
	}
}

func wantNotAcceptable(t *testing.T, a answer) {
	t.Helper()
	a.wantStatus(t, http.StatusNotAcceptable)
	wantHeader(t, a.header, "Content-Type", "application/problem+json")
	var problem struct {
		Type, Title, Default string
		Status               int
		Versions             []struct {
			Version    string
			MediaTypes []string `json:"media_types"`
			Deprecated bool
		}
	}
	a.into(t, &problem)
	if len(problem.Versions) != 2 || problem.Default != "v2" || problem.Status != a.status {
		t.Fatalf("%s", a.body)
	}
	if v := problem.Versions[0]; v.Version != "v1" || !v.Deprecated || strings.Join(v.MediaTypes, " ") != "application/vnd.gatehouse.v1+json application/json" {
		t.Errorf("%+v", v)
	}
}

// TestNegotiationBesideGet: HEAD is refused as GET is, and a browser's preflight is not: it
// does not say what will be accepted.
func TestNegotiationBesideGet(t *testing.T) {
	mayBreakContract(t) // which has no OPTIONS
	restore := useConfig(t, func(config map[string]any) {
		for _, service := range config["services"].([]any) {
			for _, route := range service.(map[string]any)["routes"].([]any) {
				if r := route.(map[string]any); strings.HasPrefix(r["name"].(string), "partner-orders-as-") {
					r["methods"] = []string{"GET", "HEAD", "OPTIONS"}
					r["plugins"] = []any{kongPlugin("cors", fields{"origins": []string{"https://one.test"}})}
				}
			}
		}
	})
	defer restore()
	head := ask(t, http.MethodHead, "/partner/orders", []string{partnerKey, "Accept: text/html"})
	if head.status != http.StatusNotAcceptable || len(head.body) > 0 {
		t.Errorf("HEAD: status %d with %q", head.status, head.body)
	}
	for _, accept := range []string{"*/*", "text/html"} {
		preflight := ask(t, http.MethodOptions, "/partner/orders", []string{origin, wantPUT, "Access-Control-Request-Headers: x-api-version", "Accept: " + accept})
		if preflight.status != http.StatusOK || preflight.header.Get("Access-Control-Allow-Origin") != "https://one.test" {
			t.Errorf("preflight with %s: status %d, %v", accept, preflight.status, preflight.header)
		}
	}
	a := get(t, "/partner/orders", partnerKey, origin, "Accept: application/vnd.gatehouse.v1+json")
	wantVersion(t, a, "v1")
	if !strings.Contains(strings.Join(a.header.Values("Vary"), ", "), "Origin") {
		t.Errorf("Vary is %q: cors' part is lost", a.header.Values("Vary"))
	}
}

// TestNegotiationIsAudited: the record says which version it was, and of a refusal why.
func TestNegotiationIsAudited(t *testing.T) {
	for accept, word := range map[string]string{"application/vnd.gatehouse.v1+json": "v1", "text/html": "not_acceptable"} {
		a := get(t, "/partner/orders", partnerKey, "Accept: "+accept)
		wantAuditWord(t, a.header.Get("X-Kong-Request-Id"), "api-version", word)
	}
}

// TestOtherPathsAreNotNegotiated: they have whatever Accept and headers they came with.
func TestOtherPathsAreNotNegotiated(t *testing.T) {
	a := get(t, "/partner/v2/orders", partnerKey, "Accept: text/html", "X-Gatehouse-Version: v9", "X-API-Version: 9").wantStatus(t, http.StatusOK)
	for _, line := range a.header.Values("Vary") {
		if strings.Contains(line, "Version") {
			t.Errorf("Vary is %q", line)
		}
	}
	if got := receivedOnce(t, "orders", a.traceID(t)).Header.Get("X-Gatehouse-Version"); got != "v9" {
		t.Errorf("the service received version %q", got)
	}
}
