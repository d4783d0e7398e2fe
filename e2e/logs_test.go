package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// TestNoPersonalDataInLogs plants values and looks for them in everything logged,
// for requests that pass and for those that are refused.
func TestNoPersonalDataInLogs(t *testing.T) {
	const card, email = "4111111111111111", "joe@example.com"
	token := bearer(t, devtoken.Web, "acme", "u1")
	query := "?email=" + email + "&card=" + card

	requests := []struct {
		name, path string
		headers    []string
		fault      string // of the orders service
		status     int
	}{
		{"200", "/web/v1/dashboard" + query, []string{token, "User-Agent: reader of " + email}, "", http.StatusOK},
		{"401", "/web/v1/dashboard" + query, nil, "", http.StatusUnauthorized},
		{"404", "/nowhere/" + card + query, []string{"Referer: https://shop.example/?card=" + card}, "", http.StatusNotFound},
		{"502", "/partner/v2/orders" + query, []string{partnerKey}, `{"reset":true}`, http.StatusBadGateway},
	}
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			if r.fault != "" {
				fault(t, services.Orders, r.fault)
			}
			id := get(t, r.path, r.headers...).wantStatus(t, r.status).header.Get("X-Kong-Request-Id")
			eventually(t, "an access line of request "+id, func() bool { return strings.Contains(logs(t), id) })
		})
	}
	// nginx's own word on the 502 has the request and the upstream's address in it.
	eventually(t, "an error line about the upstream", func() bool {
		return strings.Contains(logs(t), `"log":"error"`) && strings.Contains(logs(t), "while reading response header from upstream")
	})
	all := logs(t)
	planted := []string{card, email, "joe%40example.com", strings.TrimPrefix(token, "Authorization: Bearer ")}
	for _, value := range planted {
		if i := strings.Index(all, value); i >= 0 {
			t.Errorf("the logs hold %q: …%s…", value, all[max(0, i-200):min(len(all), i+len(value)+100)])
		}
	}
}
