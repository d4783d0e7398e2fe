package kongadmin_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
)

// dns knows some names.
type dns struct{}

func (dns) LookupHost(_ context.Context, host string) ([]string, error) {
	switch host {
	case "kong-admin":
		return []string{"10.0.0.2", "10.0.0.1", "fd00::1", "10.0.0.1"}, nil
	case "empty":
		return nil, nil
	}
	return nil, errors.New("no such host")
}

func (dns) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if name != "_admin._tcp.kong" {
		return "", nil, errors.New("no such host")
	}
	return "", []*net.SRV{{Target: "b.kong.", Port: 8444}, {Target: "a.kong.", Port: 8445}}, nil
}

func TestFind(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]kongadmin.Place{
		"http://10.0.0.9:8001/admin": {{Address: "http://10.0.0.9:8001/admin"}},
		"dns+https://kong-admin:8444/x": {
			{"https://10.0.0.1:8444/x", "kong-admin"}, {"https://10.0.0.2:8444/x", "kong-admin"}, {"https://[fd00::1]:8444/x", "kong-admin"},
		},
		"srv+https://_admin._tcp.kong": {{Address: "https://a.kong:8445"}, {Address: "https://b.kong:8444"}},
	} {
		got, err := kongadmin.Find(t.Context(), dns{}, address)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: error %v, %s", address, err, cmp.Diff(want, got))
		}
	}
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"dns+http://none:8001": "look up none: no such host", "srv+http://none": "look up none: no such host",
		"dns+http://empty:8001": "look up empty: it has no address", "dns+kong": "write a name to look up", "dns+http://:8001": "write a name to look up",
	} {
		if _, err := kongadmin.Find(t.Context(), dns{}, address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", address, err, want)
		}
	}
}
