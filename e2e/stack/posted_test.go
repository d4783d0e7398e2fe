package stack

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// TestPosted: a config without certificates gets those of the stack, its ports, and the
// issuers' keys where it has their consumers; any other text is as it was.
func TestPosted(t *testing.T) {
	dir := t.TempDir()
	certs := devcerts.Dir(filepath.Join(dir, "certs"))
	if err := certs.Write(time.Now(), false, func(string) {}); err != nil {
		t.Fatal(err)
	}
	ports, err := DefaultPorts(lookupIn(map[string]string{"ORDERS_PORT": "19101"}))
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "kong-issuers.yaml")
	if err := kongyaml.WriteOverlay(keys, []byte("_format_version: \"3.0\"\nconsumers: [{ username: web-app, jwt_secrets: [{ key: the-issuer }] }]\n")); err != nil {
		t.Fatal(err)
	}
	const config = `_format_version: "3.0"
upstreams: [{ name: up, targets: [{ target: "orders:9101" }] }]
services: [{ name: s, host: up, protocol: https, tls_verify: true }]
`
	for _, tt := range []struct {
		name, posted string
		has, hasNot  []string
		same         bool
	}{
		{"bare", config, []string{"orders:19101", "client_certificate", "ca_certificates", "localhost"}, []string{"the-issuer"}, false},
		{"with a consumer of an issuer", config + "consumers: [{ username: web-app }]\n", []string{"the-issuer", "client_certificate"}, nil, false},
		{"with certificates", config + "certificates: [{ cert: c, key: k }]\n", nil, nil, true},
		{"no mapping", "- a\n", nil, nil, true},
		{"no YAML", "a: [\n", nil, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Posted{Certs: certs, Issuers: keys, Ports: ports}.Config([]byte(tt.posted))
			if err != nil {
				t.Fatal(err)
			}
			if (string(got) == tt.posted) != tt.same {
				t.Errorf("it is the same: %v, want %v:\n%s", !tt.same, tt.same, got)
			}
			for _, want := range tt.has {
				if !strings.Contains(string(got), want) {
					t.Errorf("no %q in it:\n%s", want, got)
				}
			}
			for _, not := range tt.hasNot {
				if strings.Contains(string(got), not) {
					t.Errorf("%q is in it", not)
				}
			}
		})
	}
}
