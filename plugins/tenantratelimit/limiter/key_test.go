package limiter

import (
	"strings"
	"testing"
	"time"
)

func TestKey(t *testing.T) {
	t.Parallel()
	bucket := mustCompile(t, Spec{Name: "per-user", Algorithm: TokenBucket, Quota: 1, Window: time.Minute})
	month := mustCompile(t, Spec{Name: "a:b {c}", Algorithm: Calendar, Quota: 1, Period: Month})
	tests := []struct {
		name  string
		limit *Limit
		parts []Part
		want  string
	}{
		{"tenant", bucket, []Part{{Kind: 't', ID: "acme"}}, "gatehouse:{t.acme}:per-user:b60"},
		{"user of a tenant", bucket, []Part{{Kind: 't', ID: "acme"}, {Kind: 'u', ID: "alice@example.com"}}, "gatehouse:{t.acme}:per-user:b60:u.alice@example.com"},
		{"hashed", bucket, []Part{{Kind: 't', ID: "0f", Hashed: true}}, "gatehouse:{t#0f}:per-user:b60"},
		{"an identifier that looks hashed", bucket, []Part{{Kind: 't', ID: "#0f"}}, "gatehouse:{t.%230f}:per-user:b60"},
		{"separators and braces", bucket, []Part{{Kind: 't', ID: "}:{%"}, {Kind: 'u', ID: "a:b"}}, "gatehouse:{t.%7D%3A%7B%25}:per-user:b60:u.a%3Ab"},
		{"line breaks", bucket, []Part{{Kind: 'u', ID: "a\r\nDEL k"}}, "gatehouse:{u.a%0D%0ADEL%20k}:per-user:b60"},
		{"calendar, and a limit's name with separators", month, []Part{{Kind: 'g'}}, "gatehouse:{g.}:a%3Ab%20%7Bc%7D:c-month"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Key("gatehouse", tt.limit, tt.parts); got != tt.want {
				t.Errorf("key = %q, want %q", got, tt.want)
			}
		})
	}
	if got, want := OverridesKey("gatehouse", Part{Kind: 't', ID: "a}"}), "gatehouse:{t.a%7D}:overrides"; got != want {
		t.Errorf("overrides key = %q, want %q", got, want)
	}
}

// FuzzKey holds keys to: only harmless bytes, one hash tag that is the first
// part, and different keys for different principals.
func FuzzKey(f *testing.F) {
	f.Add("acme", "alice", "acme", "bob")
	f.Add("a:u.b", "c", "a", "b:u.c")
	f.Add("}{", "", "", "}{")
	f.Add("\x00\xff", "%", "\x00\xff", "%25")
	l, err := Compile(Spec{Name: "l", Algorithm: FixedWindow, Quota: 1, Window: time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, tenant1, user1, tenant2, user2 string) {
		key := func(tenant, user string) string {
			return Key("p", l, []Part{{Kind: 't', ID: tenant}, {Kind: 'u', ID: user}})
		}
		one, two := key(tenant1, user1), key(tenant2, user2)
		if same := tenant1 == tenant2 && user1 == user2; (one == two) != same {
			t.Errorf("%q and %q: %q and %q", tenant1, user1, tenant2, user2)
		}
		if strings.Count(one, "{") != 1 || strings.Count(one, "}") != 1 || !strings.HasPrefix(one, "p:{t.") {
			t.Errorf("%q has not exactly one hash tag", one)
		}
		for i := range len(one) {
			if one[i] <= ' ' || one[i] > '~' {
				t.Errorf("%q has byte %#x", one, one[i])
			}
		}
	})
}
