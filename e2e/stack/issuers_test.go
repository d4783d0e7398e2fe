package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIssuersOf(t *testing.T) {
	t.Parallel()
	web := Issuer{"web-app", "https://id.gatehouse.test/web", "https://auth:1/web", "ca.pem", "1m"}
	mobile := Issuer{"mobile-app", "https://id.gatehouse.test/mobile", "https://auth:1/mobile", "ca.pem", "1m"}
	for config, want := range map[string][]Issuer{
		"consumers: [{ username: web-app }, { username: mobile-app }]":    {mobile, web},
		"consumers: [{ username: somebody-else }, { username: web-app }]": {web},
		"consumers: [{ custom_id: web-app }]":                             nil,
		"services: []":                                                    nil,
	} {
		got, err := IssuersOf([]byte(config), "https://auth:1", "ca.pem")
		if diff := cmp.Diff(want, got.List); diff != "" || err != nil {
			t.Errorf("%s: error %v, issuers (-want +got):\n%s", config, err, diff)
		}
	}
	if _, err := IssuersOf([]byte("consumers: 7"), "", ""); err == nil {
		t.Error("no error of what is no list of consumers")
	}
}
