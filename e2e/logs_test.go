package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
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
		status     int
	}{
		{"200", "/web/v1/dashboard" + query, []string{token, "User-Agent: reader of " + email}, http.StatusOK},
		{"401", "/web/v1/dashboard" + query, nil, http.StatusUnauthorized},
		{"404", "/nowhere/" + card + query, []string{"Referer: https://shop.example/?card=" + card}, http.StatusNotFound},
	}
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			id := get(t, r.path, r.headers...).wantStatus(t, r.status).header.Get("X-Kong-Request-Id")
			eventually(t, "an access line of request "+id, func() bool { return strings.Contains(logs(t), id) })
		})
	}
	all := logs(t)
	planted := []string{card, email, "joe%40example.com", strings.TrimPrefix(token, "Authorization: Bearer ")}
	for _, value := range planted {
		if i := strings.Index(all, value); i >= 0 {
			t.Errorf("the logs hold %q: …%s…", value, all[max(0, i-200):min(len(all), i+len(value)+100)])
		}
	}
}
