package hopbyhop_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/hopbyhop"
)

func issued(name string) bool { return strings.EqualFold(name, "X-User-Id") }

func TestNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ connection, want string }{
		{"", ""},
		{"keep-alive", ""},
		{"Upgrade, HTTP2-Settings", ""},
		{"X-User-Id", "X-User-Id"},
		{"x-user-id", "x-user-id"},
		{"close, X-USER-ID", "X-USER-ID"},
		{"close,X-User-Id,te", "X-User-Id"},
		{" \t, ,,X-User-Id\t ,", "X-User-Id"},
		{"close; X-User-Id", ""},
		{"X-User-Id2, 2X-User-Id, X-User", ""},
		{strings.Repeat("a,", 4000) + "X-User-Id", "X-User-Id"},
	} {
		if got, found := hopbyhop.Named(tt.connection, issued); got != tt.want || found != (tt.want != "") {
			t.Errorf("Connection: %.60q names %q, %v; want %q", tt.connection, got, found, tt.want)
		}
	}
}

// FuzzNamed: what Kong would remove is found (csv in kong/runloop/handler.lua).
func FuzzNamed(f *testing.F) {
	f.Add("close, X-User-Id")
	f.Add(",\t X-User-Id \v,")
	f.Fuzz(func(t *testing.T, connection string) {
		removed := false
		for option := range strings.SplitSeq(connection, ",") {
			if strings.HasPrefix(option, " ") {
				option = strings.TrimLeft(option, " \t\n\v\f\r")
			}
			if strings.HasSuffix(option, " ") {
				option = strings.TrimRight(option, " \t\n\v\f\r")
			}
			removed = removed || issued(option)
		}
		if _, found := hopbyhop.Named(connection, issued); removed && !found {
			t.Errorf("Kong removes X-User-Id for Connection: %q", connection)
		}
	})
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	got := hopbyhop.Refuse("x-user-id")
	want := hopbyhop.Refusal{
		Status:  400,
		Headers: map[string][]string{"Content-Type": {"application/problem+json"}},
		Body: []byte(`{"type":"urn:gatehouse:problem:connection-option","title":"Connection names a header that the gateway sets","status":400,` +
			`"detail":"The Connection header names x-user-id, which the gateway sets for the service and which would be removed on the way. Send Connection without it.","header":"x-user-id"}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}
