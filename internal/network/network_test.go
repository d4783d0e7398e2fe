package network_test

import (
	"testing"

	"github.com/gatehousehq/gatehouse/internal/network"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7":           "203.0.113.0/24",
		"::ffff:203.0.113.7":    "203.0.113.0/24",
		"2001:db8:7:8::9":       "2001:db8:7::/48",
		"fe80::1%eth0":          "fe80::/48",
		"203.0.113.0/24":        "",
		"joe@example.com":       "",
		"":                      "",
		"203.0.113.7, 10.0.0.1": "",
	} {
		got, err := network.Of(text)
		if (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%q: %v, error %v, want %q", text, got, err, want)
		}
	}
}
