package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func authService(t *testing.T) string {
	t.Helper()
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":"a-token-of%s"}`, strings.ReplaceAll(r.URL.Path, "/", "-"))
	}))
	t.Cleanup(auth.Close)
	return auth.URL
}

const ownConfig = `
_format_version: "3.0"
services:
  - name: shop
    plugins: [{ name: jwt }]
    routes:
      - { name: cart, paths: [/cart] }
      - { name: pay, paths: [/pay], methods: [POST, PUT] }
  - name: partners
    plugins: [{ name: key-auth, config: { key_names: [X-Key] } }, { name: acl, config: { allow: [gold] } }]
    routes: [{ name: deals, paths: ["/it's"], headers: { x-version: ["2"] } }]
  - name: open
    routes: [{ paths: [/free] }]
consumers:
  - { username: CONSUMER }
  - { username: lead, keyauth_credentials: [{ key: lead-key }], acls: [{ group: lead }] }
  - { username: gold, keyauth_credentials: [{ key: gold-key }], acls: [{ group: gold }] }
`

// TestGuide: the requests are those of the config that runs.
func TestGuide(t *testing.T) {
	ours, err := os.ReadFile("../../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sample := []string{
		"WEB=a-token-of-web-token", "MOBILE=a-token-of-mobile-token", "curl -i http://gateway:1/web/v1/dashboard", "/partner/v1/orders",
		"application/vnd.gatehouse.v2+json", "dev-only-initech-2026-10",
	}
	for _, tt := range []struct {
		name   string
		config []byte
		with   []string
		not    []string
	}{
		{"ours", ours, sample, []string{"Route "}},
		{"none given", nil, sample, []string{"Route "}},
		{"ours without one plugin", []byte(strings.ReplaceAll(string(ours), "name: sunset-headers", "name: correlation-id")), []string{"/web/v1/dashboard", "Route partner-orders-v1"}, []string{"A deprecated version"}},
		{"ours without a key", []byte(strings.ReplaceAll(string(ours), "dev-only-globex-2026-09", "another-key")), []string{`/partner/v1/orders' -H "apikey: `}, []string{"dev-only-globex-2026-09"}},
		{"another's", []byte(strings.ReplaceAll(ownConfig, "CONSUMER", "web-app")), []string{
			"WEB=a-token-of-web-token", `curl -i 'http://gateway:1/cart' -H "Authorization: Bearer $WEB"`,
			`curl -i -X POST 'http://gateway:1/pay' -H "Authorization: Bearer $WEB"`,
			`curl -i 'http://gateway:1/it'\''s' -H 'x-version: 2' -H "X-Key: gold-key"`,
			"curl -i 'http://gateway:1/free'\n", "# Route cart of service shop, with jwt.", "# Route /free of service open.",
		}, []string{"MOBILE", "/web/v1", "lead-key"}},
		{"another's without our consumers", []byte(strings.ReplaceAll(ownConfig, "CONSUMER", "somebody")), []string{
			`curl -i 'http://gateway:1/cart' -H "Authorization: Bearer TOKEN"`, "TOKEN is one of a consumer's of yours",
		}, []string{"WEB"}},
		{"no route", []byte(`_format_version: "3.0"`), []string{"There is no route in this config"}, []string{"curl", "WEB"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			guide, err := Guide(t.Context(), "http://gateway:1", authService(t), tt.config)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.with {
				if !strings.Contains(guide, want) {
					t.Errorf("the guide has no %q", want)
				}
			}
			for _, not := range append(tt.not, "BASE") {
				if strings.Contains(guide, not) {
					t.Errorf("the guide has %q", not)
				}
			}
			if t.Failed() {
				t.Log(guide)
			}
		})
	}
}
