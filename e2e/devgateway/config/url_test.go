package config

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestServicePlaces: where a service is, in each way to say it. A url goes before other
// fields, as in Kong, and what it does not say has Kong's defaults.
func TestServicePlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, want string }{
		{`url: "http://127.0.0.1:9000/base"`, "http 127.0.0.1:9000 /base 127.0.0.1"},
		{`url: "https://example.com"`, "https example.com:443  "},
		{`url: "http://example.com/"`, "http example.com:80 / "},
		{`url: "//example.com:443/a/b?c=d"`, "https example.com:443 /a/b "},
		{`url: "//example.com"`, "http example.com:80  "},
		{`url: "http://[::1]:81/a"`, "http [::1]:81 /a ::1"},
		{`{url: "http://orders:81", host: other, port: 82, path: /c, protocol: https}`, "http orders:81  10.0.0.7"},
		{`host: example.com`, "http example.com:80  "},
		{`{host: ORDERS, port: 8080, path: /a}`, "http ORDERS:8080 /a 10.0.0.7"},
		{`{host: 10.1.2.3, port: 8443, protocol: https}`, "https 10.1.2.3:8443  10.1.2.3"},
		{`{host: u, port: 8080}`, "http orders:9 /up 10.0.0.7"},
	} {
		service := tt.service
		if service[0] != '{' {
			service = "{" + service + "}"
		}
		cfg, err := loader(t).Load([]byte("_format_version: \"3.0\"\nupstreams: [{name: u, targets: [{target: \"orders:9\"}]}]\nservices:\n- " +
			service[:len(service)-1] + `, routes: [{paths: [/r], regex_priority: 7}]}`))
		if err != nil {
			t.Errorf("%s: %v", tt.service, err)
			continue
		}
		s := cfg.Routes[0].Service
		target := s.Upstream.Targets[0]
		path := s.Path
		if s.Host == "u" {
			path = "/up"
		}
		got := fmt.Sprintf("%s %s:%d %s %s", s.Protocol, hostOf(target.Host), target.Port, path, target.IP)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.service, diff)
		}
		if (s.Protocol == "https") != (s.TLS != nil) {
			t.Errorf("%s: TLS is %v", tt.service, s.TLS)
		}
	}
}

func hostOf(host string) string {
	if host == "::1" {
		return "[::1]"
	}
	return host
}
