package identity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUpstream(t *testing.T) {
	t.Parallel()
	p := Principal{Tenant: ID{Value: "acme"}, User: ID{Value: "0f", Hashed: true}, Authenticated: true}
	foreign := []string{"x-tenant-id", "X-USER-ID", "x_plan"}
	want := map[string][]string{"x-tenant-id": nil, "x-user-id": nil, "x_plan": nil}
	if diff := cmp.Diff(want, Upstream(p, "gold", false, foreign)); diff != "" {
		t.Errorf("not issued:\n%s", diff)
	}
	want = map[string][]string{"X-Tenant-Id": {"acme"}, "x-user-id": nil, "x_plan": nil, "X-Plan": {"gold"}}
	if diff := cmp.Diff(want, Upstream(p, "gold", true, foreign)); diff != "" {
		t.Errorf("issued:\n%s", diff)
	}
}

func TestSaysWho(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"X-Tenant-Id", "x_tenant_id", "X-USER_ID", "x-plan", "X-Consumer-ID", "x_consumer-groups", "X-Consumer-Role",
		"X-Credential-Identifier", "X_Anonymous-Consumer", "x-authenticated_groups", "X-Authenticated-Scope", "x-authenticated-userid",
	} {
		if !SaysWho(name) {
			t.Errorf("%s says who is asking", name)
		}
	}
	for _, name := range []string{"", "X", "X-Consumers", "X-Consumer", "X-Tenant", "X-Planet", "Authorization", "X-Request-Id", "traceparent"} {
		if SaysWho(name) {
			t.Errorf("%q does not say who is asking", name)
		}
	}
}

// TestForeign wants to know who wrote each header, on each kind of request.
func TestForeign(t *testing.T) {
	t.Parallel()
	const nobody, standIn, somebody = 0, 1, 2
	tests := []struct {
		name string
		who  int
		// Each header is the client's, unless it is in kongs. Those in doubt are told apart
		// by sent.
		seen, sent, kongs, doubtful string
	}{
		{name: "nothing seen", who: somebody},
		{name: "nobody", who: nobody, seen: "x-consumer-id x-consumer-role x_consumer_id x-plan x-consumer-groups x-anonymous-consumer"},
		{name: "groups of nobody", who: nobody, seen: "x-authenticated-groups x-authenticated-scope x_authenticated_groups",
			sent: "x-authenticated-scope", kongs: "x-authenticated-groups", doubtful: "x-authenticated-groups x-authenticated-scope"},
		{name: "a stand-in keeps what Kong set", who: standIn, seen: "x-consumer-id x-anonymous-consumer x_consumer_id x-consumer-role x-consumer-groups",
			sent: "x-consumer-role", kongs: "x-consumer-id x-anonymous-consumer x-consumer-groups", doubtful: "x-consumer-role x-consumer-groups"},
		{name: "somebody", who: somebody, seen: "x-consumer-id x-consumer-custom-id x-credential-identifier x_consumer_custom_id x-consumer_custom-id x-tenant-id",
			kongs: "x-consumer-id x-consumer-custom-id x-credential-identifier"},
		{name: "acl's groups", who: somebody, seen: "x-consumer-groups x_consumer_groups x-consumer-role",
			sent: "x-consumer-role", kongs: "x-consumer-groups", doubtful: "x-consumer-groups x-consumer-role"},
		{name: "no groups of acl's", who: somebody, seen: "x-consumer-groups x-authenticated-userid",
			sent: "x-consumer-groups x-authenticated-userid", doubtful: "x-consumer-groups x-authenticated-userid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := Seen{Names: strings.Fields(tt.seen), Sent: strings.Fields(tt.sent)}
			var want []string
			for _, name := range s.Names {
				if !equalsAny(name, strings.Fields(tt.kongs)) {
					want = append(want, name)
				}
			}
			if diff := cmp.Diff(want, s.Foreign(tt.who == somebody, tt.who == standIn)); diff != "" {
				t.Errorf("the client's (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.doubtful, strings.Join(s.Doubtful(tt.who == somebody, tt.who == standIn), " ")); diff != "" {
				t.Errorf("in doubt (-want +got):\n%s", diff)
			}
		})
	}
}
