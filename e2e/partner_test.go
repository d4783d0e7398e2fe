package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const partnerKey = "apikey: dev-only-globex-2026-09"

func TestDeprecatedVersionSaysSo(t *testing.T) {
	a := get(t, "/partner/v1/orders", partnerKey).wantStatus(t, http.StatusOK)
	// The dates are those of kong.yaml: RFC 9745 wants a structured-field date,
	// RFC 8594 an HTTP date.
	deprecated := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	wantHeader(t, a.header, "Deprecation", "@"+unix(deprecated))
	wantHeader(t, a.header, "Sunset", "Wed, 30 Jun 2027 00:00:00 GMT")
	links := strings.Join(a.header.Values("Link"), ", ")
	for _, want := range []string{`</partner/v2/orders>; rel="successor-version"`, `rel="deprecation"`} {
		if !strings.Contains(links, want) {
			t.Errorf("Link = %s, want %s in it", links, want)
		}
	}
	if path := receivedOnce(t, "orders", a.traceID(t)).Path; path != "/v1/orders" {
		t.Errorf("the service received %s, want /v1/orders", path)
	}
}

func TestCurrentVersionSaysNothing(t *testing.T) {
	tests := []struct {
		name, path string
		headers    []string
	}{
		{"by path", "/partner/v2/orders", []string{partnerKey}},
		{"by media type", "/partner/orders", []string{partnerKey, "Accept: application/vnd.gatehouse.v2+json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := get(t, tt.path, tt.headers...).wantStatus(t, http.StatusOK)
			for _, name := range []string{"Deprecation", "Sunset", "Link"} {
				wantHeader(t, a.header, name)
			}
			if path := receivedOnce(t, "orders", a.traceID(t)).Path; path != "/v2/orders" {
				t.Errorf("the service received %s, want /v2/orders", path)
			}
		})
	}
}
