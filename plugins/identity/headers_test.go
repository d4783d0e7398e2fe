package identity

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestUpstream(t *testing.T) {
	t.Parallel()
	p := Principal{Tenant: ID{Value: "acme"}, User: ID{Value: "0f", Hashed: true}, Authenticated: true}
	removed := map[string][]string{
		"X-Tenant-Id": nil, "X_Tenant-Id": nil, "X-Tenant_Id": nil, "X_Tenant_Id": nil,
		"X-User-Id": nil, "X_User-Id": nil, "X-User_Id": nil, "X_User_Id": nil,
		"X-Plan": nil, "X_Plan": nil,
	}
	if diff := cmp.Diff(removed, Upstream(p, "gold", false)); diff != "" {
		t.Errorf("not issued:\n%s", diff)
	}
	removed["X-Tenant-Id"], removed["X-Plan"] = []string{"acme"}, []string{"gold"}
	if diff := cmp.Diff(removed, Upstream(p, "gold", true)); diff != "" {
		t.Errorf("issued:\n%s", diff)
	}
}

func TestDisowned(t *testing.T) {
	t.Parallel()
	all := []string{"X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username", "X-Consumer-Groups", "X-Credential-Identifier", "X-Anonymous-Consumer"}
	tests := []struct {
		name    string
		seen    []string
		standIn bool
		want    []string
	}{
		{"nothing seen", nil, false, all},
		{"names known already", []string{"x-consumer-id", "accept"}, false, all},
		{"other names and spellings", []string{"x-consumer-role", "x_consumer_id", "X_Anonymous-Consumer", "x-consumers"}, false,
			append([]string{"x-consumer-role", "x_consumer_id", "X_Anonymous-Consumer"}, all...)},
		{"a stand-in keeps what Kong set", []string{"x-consumer-id", "x-anonymous-consumer", "x_consumer_id", "x-consumer-role"}, true,
			[]string{"X-Consumer-Groups", "x_consumer_id", "x-consumer-role"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			less := func(a, b string) bool { return a < b }
			if diff := cmp.Diff(tt.want, Disowned(tt.seen, tt.standIn), cmpopts.SortSlices(less)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
