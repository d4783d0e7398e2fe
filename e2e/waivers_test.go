package e2e

import (
	"net/http"
	"testing"
)

// TestWaiversAreLeftOut: the gateway takes _ignore, in which gatehouse check reads waivers, on
// every entity that a config has, and does nothing about it.
func TestWaiversAreLeftOut(t *testing.T) {
	config := overlaid(t, `
_ignore: ["health-off: a test"]
upstreams: [{name: waived.upstream, _ignore: ["health-off: a test"], targets: [{target: "127.0.0.1:1", _ignore: ["health-off: a test"]}]}]
services:
  - name: waived
    host: waived.upstream
    _ignore: ["tls-plain-http: a test", {an: anchor}]
    plugins: [{name: acl, config: {allow: [web]}, _ignore: ["plugin-shadowed: a test"]}]
    routes: [{name: waived, paths: [/waived], _ignore: ["route-without-auth: a test"]}]
consumers:
  - username: globex-crm
    _ignore: ["secret-in-file: a test"]
    keyauth_credentials: [{key: key-of-the-waiver-test, _ignore: ["secret-in-file: a test"]}]
    acls: [{group: waived, _ignore: ["secret-in-file: a test"]}]
`)
	postConfig(t, config.Text).wantStatus(t, http.StatusCreated)
	defer func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }()
	eventually(t, "the key of an entity with a waiver", func() bool {
		return get(t, "/partner/v2/orders", "apikey: key-of-the-waiver-test").status == http.StatusOK
	})
}
