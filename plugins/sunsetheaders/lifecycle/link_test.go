package lifecycle

import (
	"net/url"
	"strings"
	"testing"
)

func TestLinkHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		terms Terms
		rest  string
		want  string
	}{
		{"none", Terms{}, "", ""},
		{"all", Terms{Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), Successor: "/v2/orders", Documentation: "https://d.example/dep", SunsetDocumentation: "https://d.example/end?v=1"}, "",
			`</v2/orders>; rel="successor-version", <https://d.example/dep>; rel="deprecation", <https://d.example/end?v=1>; rel="sunset"`},
		{"policy stands in for both", Terms{Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), Policy: "/policy"}, "",
			`</policy>; rel="deprecation sunset"`},
		{"policy stands in for one", Terms{Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), Policy: "/policy", Documentation: "/doc"}, "",
			`</doc>; rel="deprecation", </policy>; rel="sunset"`},
		{"no sunset, no document about it", Terms{Deprecation: day("2026-01-15"), Policy: "/policy"}, "",
			`</policy>; rel="deprecation"`},
		{"the rest of the path", Terms{Successor: "/v2/orders{+rest}"}, "/4711/items",
			`</v2/orders/4711/items>; rel="successor-version"`},
		{"no rest", Terms{Successor: "/v2/orders{+rest}"}, "",
			`</v2/orders>; rel="successor-version"`},
		{"the rest begins in mid-segment", Terms{Successor: "https://api.example{+rest}"}, "@elsewhere.example/x",
			`<https://api.example>; rel="successor-version"`},
		{"the rest cannot break out", Terms{Successor: "https://api.example{+rest}"}, "/a>; rel=\"x\", <b\r\nSet-Cookie: c",
			`<https://api.example/a%3E;%20rel=%22x%22,%20%3Cb%0D%0ASet-Cookie:%20c>; rel="successor-version"`},
		{"the rest stays a path", Terms{Successor: "/v2{+rest}"}, "/a?b#c%2Fd%zz\xff",
			`</v2/a%3Fb%23c%2Fd%25zz%FF>; rel="successor-version"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := linkHeader(tt.terms.links(), tt.rest); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestIsReference(t *testing.T) {
	t.Parallel()
	good := []string{"/", "/v2/orders", "/v2/orders?x=1#y", "https://host/path", "http://host:8080", "https://[2001:db8::1]/", "https://[2001:db8::1]:8443/", "/caf%C3%A9", "HTTPS://EX.COM/a", "Http://h", "http://h:1/", "http://h:65535/", "http://h:/", "/a@b:99999", "https://h/u:p@x"}
	bad := []string{"", "v2/orders", "//host/path", "ftp://host/", "https://", "https:///path", "mailto:a@b.example", "/a b", "/café", "/a>b", `/a"b`, "/a\nb", "/100%", "/%zz", "/{id}", "https://host\\path",
		"http://h:99999/", "http://h:65536", "http://h:0/", "http://h:123456?a", "http://[::1]:99999/", "https://:80/", "https://:/", "https://user:pw@h/", "https://user@h", "https://@h/", "https://a:1@h:2/", "HTTPS://u@h/"}
	for _, s := range good {
		if !IsReference(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range bad {
		if IsReference(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"/4711", "@b.example", "//b.example", "/a>; rel=\"x\"", "/%2F%", "\r\n", "/é\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		got := expand("https://api.example"+RestVariable, rest)
		if strings.ContainsAny(got, "<>\"\\^`{|} \t\r\n") {
			t.Fatalf("%q breaks out: %q", rest, got)
		}
		u, err := url.Parse(got)
		if err != nil || u.Host != "api.example" {
			t.Fatalf("%q becomes %q: %v", rest, got, err)
		}
		if u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q grew a query or a fragment: %q", rest, got)
		}
		if again := encodePath(encodePath(rest)); again != encodePath(rest) {
			t.Fatalf("%q is encoded twice: %q", rest, again)
		}
	})
}
