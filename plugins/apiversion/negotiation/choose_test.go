package negotiation

import (
	"strings"
	"testing"
)

// orders has two versions with media types of their own, and one that both have.
func orders() *API {
	return &API{
		Versions: []Version{
			{Name: "v1", MediaTypes: []string{"application/vnd.gatehouse.v1+json"}, Deprecated: true},
			{Name: "v2", MediaTypes: []string{"application/vnd.gatehouse.v2+json"}},
			{Name: "v3", MediaTypes: []string{"application/vnd.gatehouse.v3+json"}},
		},
		Default: "v2", MediaTypes: []string{"application/json"},
	}
}

// TestChoose: what is chosen for an Accept header and for a header with a version.
func TestChoose(t *testing.T) {
	t.Parallel()
	const none = string(NotAcceptable)
	for _, tt := range []struct{ accept, header, want string }{
		// Whoever asks for no version gets the default.
		{"", "", "v2 default"},
		{" \t", "", "v2 default"},
		{",", "", "v2 default"},
		{" ,\t, ,", "", "v2 default"},
		{"*/*", "", "v2 default"},
		{"application/*", "", "v2 default"},
		{"application/json", "", "v2 default"},
		{"*", "", "v2 default"},
		{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "", "v2 default"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", "v2 default"},

		// By a version's own media type.
		{"application/vnd.gatehouse.v1+json", "", "v1 accept"},
		{"application/vnd.gatehouse.v2+json", "", "v2 accept"},
		{"Application/VND.Gatehouse.V1+JSON", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json;q=0.9", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json; charset=utf-8", "", "v1 accept"},
		{`application/vnd.gatehouse.v1+json;charset="UTF-8";q=0.001`, "", "v1 accept"},
		{"\tapplication/vnd.gatehouse.v1+json\t;\tq=1.000", "", "v1 accept"},

		// Lists, by weight and not by order.
		{"application/vnd.gatehouse.v1+json, application/vnd.gatehouse.v2+json;q=0.5", "", "v1 accept"},
		{"application/vnd.gatehouse.v2+json;q=0.5, application/vnd.gatehouse.v1+json", "", "v1 accept"},
		{"text/html, application/vnd.gatehouse.v3+json;q=0.1", "", "v3 accept"},
		{", ,application/vnd.gatehouse.v1+json,,", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json;q=0.5, */*", "", "v2 default"},
		{"application/vnd.gatehouse.v1+json, */*;q=0.9", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json;q=0.333, application/vnd.gatehouse.v3+json;q=0.334", "", "v3 accept"},

		// Among equals what names a version, then the default, then what is not deprecated.
		{"application/vnd.gatehouse.v1+json, */*", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json, application/json", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json, application/vnd.gatehouse.v2+json", "", "v2 accept"},
		{"application/vnd.gatehouse.v1+json, application/vnd.gatehouse.v3+json", "", "v3 accept"},

		// The most specific range counts (RFC 9110, 12.5.1).
		{"application/*;q=0.2, application/vnd.gatehouse.v1+json;q=0.1, */*;q=0", "", "v2 default"},
		{"*/*, application/vnd.gatehouse.v2+json;q=0", "", "v3 accept"},
		{"application/vnd.gatehouse.v2+json;q=0, application/json", "", "v3 accept"},
		{"application/json;q=0, */*", "", "v2 default"},
		{"application/json;q=0", "", none},
		{"*/*;q=0", "", none},
		{"*/*;q=0, application/vnd.gatehouse.v1+json", "", "v1 accept"},

		// By parameter.
		{"application/json;version=1", "", "v1 accept"},
		{"application/json; version=v1", "", "v1 accept"},
		{`application/json;VERSION="1";q=0.4`, "", "v1 accept"},
		{"application/json;version=1;q=0.5, application/json;version=3", "", "v3 accept"},
		{"application/json;version=1, application/json", "", "v1 accept"},
		{"*/*;version=3", "", "v3 accept"},
		{"application/*;version=3", "", "v3 accept"},
		{"application/vnd.gatehouse.v1+json;version=1", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json;version=2", "", none},
		{"application/json;version=9", "", none},
		{"application/json;version=9, */*;q=0.1", "", "v2 default"},
		{"application/json;version=", "", none},

		// Malformed and plain: what old clients send.
		{"application/vnd.gatehouse.v1+json;q=.5, application/vnd.gatehouse.v3+json;q=.4", "", "v1 accept"},
		{"application/vnd.gatehouse.v1+json; q = 0.5, application/vnd.gatehouse.v3+json;q=0.4", "", "v1 accept"},
		{`application/vnd.gatehouse.v1+json;q="0.5", application/vnd.gatehouse.v3+json;q=0.4`, "", "v1 accept"},
		{"application/json; version = 1", "", "v1 accept"},

		// What nobody has, and what is no media range.
		{"text/html", "", none},
		{"application/vnd.gatehouse.v9+json", "", none},
		{"application/vnd.gatehouse.v1", "", none},
		{"application/json;indent=4", "", none},
		{"application/json;indent=4, application/json;q=0.5", "", "v2 default"},
		{"*/json", "", none},
		{"json", "", none},
		{"application/", "", none},
		{"application/json;q=2", "", none},
		{"application/json;q=-1", "", none},
		{"application/json;q=0.1234", "", none},
		{"application/json;q=", "", none},
		{"application/json;q=.", "", none},
		{"application/json;q=x, application/vnd.gatehouse.v1+json", "", "v1 accept"},
		{`application/json;version="1, application/json`, "", none},
		{`text/plain;title="a, application/json;q=1", application/vnd.gatehouse.v1+json`, "", "v1 accept"},
		{`text/plain;title="\", application/json", application/vnd.gatehouse.v1+json`, "", "v1 accept"},
		{"\xff\x00", "", none},

		// By a header, which Accept may not contradict.
		{"", "1", "v1 header"},
		{"", "V1", "v1 header"},
		{"", " v2 ", "v2 header"},
		{",", "1", "v1 header"},
		{"*/*", "1", "v1 header"},
		{"application/json", "3", "v3 header"},
		{"application/vnd.gatehouse.v1+json", "1", "v1 header"},
		{"application/vnd.gatehouse.v1+json", "2", none},
		{"text/html", "2", none},
		{"*/*", "9", string(UnknownVersion)},
		{"", "v", string(UnknownVersion)},
		{"", "1, 2", string(UnknownVersion)},
		{"", "vv1", string(UnknownVersion)},
	} {
		version, by := orders().Choose(Request{Accept: tt.accept, Version: tt.header})
		if got := strings.TrimSpace(version + " " + string(by)); got != tt.want {
			t.Errorf("Accept: %q, version %q: %s, want %s", tt.accept, tt.header, got, tt.want)
		}
	}
}

// TestVersionsByParameterAlone: versions need no media types of their own.
func TestVersionsByParameterAlone(t *testing.T) {
	t.Parallel()
	api := &API{Versions: []Version{{Name: "2025-10-01"}, {Name: "2026-04-01"}}, Default: "2025-10-01", MediaTypes: []string{"application/json"}}
	for accept, want := range map[string]string{
		"application/json": "2025-10-01", "application/json;version=2026-04-01": "2026-04-01", "application/json;version=2026": "",
	} {
		if got, _ := api.Choose(Request{Accept: accept}); got != want {
			t.Errorf("Accept: %s: %q, want %q", accept, got, want)
		}
	}
}

// TestNoMediaTypes: a version without media types is the default, or the one that the header
// names, whatever Accept says; another is got before such a default by its name.
func TestNoMediaTypes(t *testing.T) {
	t.Parallel()
	const v1 = "application/vnd.gatehouse.v1+json"
	version := func(name string, types ...string) Version { return Version{Name: name, MediaTypes: types} }
	none := &API{Default: "2026-01-01", Versions: []Version{version("2025-01-01"), version("2026-01-01")}}
	untyped := &API{Default: "v2", Versions: []Version{version("v1", v1), version("v2"), version("v3")}}
	typed := &API{Default: "v1", Versions: []Version{version("v1", v1), version("v2")}}
	for _, tt := range []struct {
		name                 string
		api                  *API
		accept, header, want string
	}{
		{"none has any", none, "", "", "2026-01-01 default"},
		{"none has any, anything", none, "*/*", "", "2026-01-01 default"},
		{"none has any, a type", none, "text/html", "", "2026-01-01 default"},
		{"none has any, nothing", none, "*/*;q=0", "", "2026-01-01 default"},
		{"none has any, malformed", none, "json", "", "2026-01-01 default"},
		{"none has any, a parameter", none, "*/*;version=2025-01-01", "", "2026-01-01 default"},
		{"none has any, by header", none, "", "2025-01-01", "2025-01-01 header"},
		{"none has any, by header and anything", none, "*/*", "2025-01-01", "2025-01-01 header"},
		{"none has any, by header and a type", none, "text/html", "2025-01-01", "2025-01-01 header"},
		{"none has any, one that there is not", none, "*/*", "2027-01-01", "unknown_version"},

		{"the default has none", untyped, "", "", "v2 default"},
		{"the default has none, anything", untyped, "*/*", "", "v2 default"},
		{"the default has none, a wildcard", untyped, "application/*", "", "v2 default"},
		{"the default has none, two wildcards", untyped, "application/*, */*;q=0.1", "", "v2 default"},
		{"the default has none, a type", untyped, "text/html", "", "v2 default"},
		{"the default has none, nothing", untyped, "*/*;q=0", "", "v2 default"},
		{"the default has none, another by its type", untyped, v1, "", "v1 accept"},
		{"the default has none, another first", untyped, v1 + ", */*", "", "v1 accept"},
		{"the default has none, another second", untyped, v1 + ";q=0.5, */*", "", "v2 default"},
		{"the default has none, another beside a type", untyped, "text/html, " + v1 + ";q=0.1", "", "v1 accept"},
		{"the default has none, another refused", untyped, v1 + ";q=0", "", "v2 default"},
		{"the default has none, another by parameter", untyped, "*/*;version=1", "", "v1 accept"},
		{"the default has none, its own parameter", untyped, "*/*;version=2", "", "v2 default"},
		{"the default has none, by header", untyped, "text/html", "3", "v3 header"},
		{"the default has none, itself by header", untyped, v1, "2", "v2 header"},
		{"the default has none, one with a type by header", untyped, "text/html", "1", "not_acceptable"},
		{"the default has none, one with a type by header and anything", untyped, "*/*", "1", "v1 header"},

		{"another has none", typed, "*/*", "", "v1 default"},
		{"another has none, a type", typed, "text/html", "", "not_acceptable"},
		{"another has none, a parameter", typed, "*/*;version=2", "", "not_acceptable"},
		{"another has none, by header", typed, "text/html", "v2", "v2 header"},
		{"another has none, by header against a type", typed, v1, "v2", "v2 header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			version, by := tt.api.Choose(Request{Accept: tt.accept, Version: tt.header})
			if got := strings.TrimSpace(version + " " + string(by)); got != tt.want {
				t.Errorf("Accept: %q, version %q: %s, want %s", tt.accept, tt.header, got, tt.want)
			}
			if want := tt.api != none; tt.api.ByMediaType() != want {
				t.Errorf("Accept decides: %t, want %t", !want, want)
			}
		})
	}
}

// TestANewVersionMovesNobody: who asked for none, or for one that there was, gets what they
// got.
func TestANewVersionMovesNobody(t *testing.T) {
	t.Parallel()
	before, after := orders(), orders()
	before.Versions = before.Versions[:2]
	for _, accept := range []string{
		"", "*/*", "application/json", "application/*;q=0.1", "application/vnd.gatehouse.v1+json, */*", "application/vnd.gatehouse.v2+json;q=0.1",
		"application/json;version=1", "application/json, application/json;version=1;q=0.5",
	} {
		was, _ := before.Choose(Request{Accept: accept})
		if is, _ := after.Choose(Request{Accept: accept}); is != was {
			t.Errorf("Accept: %q: %s, and %s after there is v3", accept, was, is)
		}
	}
}

// TestManyRanges: a header of any length is read in a bounded time, up to its hundredth
// range.
func TestManyRanges(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("text/html,", 99)
	for accept, want := range map[string]string{
		many + "application/vnd.gatehouse.v1+json":            "v1",
		many + "text/html, application/vnd.gatehouse.v1+json": "",
	} {
		if got, _ := orders().Choose(Request{Accept: accept}); got != want {
			t.Errorf("%d ranges: %q, want %q", strings.Count(accept, ",")+1, got, want)
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scope      Scope
		host, path string
		want       bool
	}{
		{Scope{Path: "/a"}, "h", "/a", true},
		{Scope{Path: "/a"}, "", "/a/b", true},
		{Scope{Path: "/a"}, "", "/ab", true}, // as routes in Kong
		{Scope{Path: "/a/"}, "", "/a", false},
		{Scope{Path: "/a"}, "", "/b/a", false},
		{Scope{"/", []string{"api.example.com"}}, "api.example.com", "/x", true},
		{Scope{"/", []string{"api.example.com"}}, "example.com", "/x", false},
		{Scope{"/", []string{"*.example.com"}}, "api.example.com", "/x", true},
		{Scope{"/", []string{"*.example.com"}}, ".example.com", "/x", false},
		{Scope{"/", []string{"*.example.com"}}, "example.com", "/x", false},
		{Scope{"/", []string{"*.example.com"}}, "badexample.com", "/x", false},
	} {
		if got := tt.scope.Holds(tt.host, tt.path); got != tt.want {
			t.Errorf("%+v holds %s%s: %t", tt.scope, tt.host, tt.path, got)
		}
	}
}

// FuzzChoose: whatever is accepted, the choice is one of the versions or none, a range that
// matches nothing changes nothing, and neither does the order of ranges.
func FuzzChoose(f *testing.F) {
	for _, accept := range []string{
		"", "*/*", "application/vnd.gatehouse.v1+json;q=0.9, */*;q=0.1", `a/b;c="d,e\"";q=1`, "application/json;version=1", "*;q=.2", "application/json;q=0, */*",
	} {
		f.Add(accept, "", "application/vnd.gatehouse.v3+json;q=0.9", false)
	}
	f.Add("*/*", "2", "*/*;q=0", false)
	f.Add("*/*;version=1", "", "application/*;q=0.1", true)
	f.Add(",", "", ", ,", true)
	f.Fuzz(func(t *testing.T, accept, header, more string, untyped bool) {
		api := orders()
		if untyped { // the default
			api.MediaTypes, api.Versions[1].MediaTypes = nil, nil
		}
		version, by := api.Choose(Request{Accept: accept, Version: header})
		if known := version == "v1" || version == "v2" || version == "v3"; known == by.Refused() {
			t.Fatalf("%q, %s", version, by)
		}
		if emptyList(accept) && trim(header) == "" && version != api.Default {
			t.Errorf("who accepts all got %q", version)
		}
		if strings.Count(accept+more, ",") > maxRanges-3 || strings.ContainsAny(accept+more, `"`) || emptyList(accept) || emptyList(more) {
			return
		}
		if same, _ := api.Choose(Request{Accept: "text/never, " + accept, Version: header}); same != version {
			t.Errorf("%q: %q, and with a range that matches nothing %q", accept, version, same)
		}
		one, _ := api.Choose(Request{Accept: accept + "," + more, Version: header})
		if other, _ := api.Choose(Request{Accept: more + "," + accept, Version: header}); one != other {
			t.Errorf("%q and %q: %q in this order, %q in the other", accept, more, one, other)
		}
	})
}

func BenchmarkChoose(b *testing.B) {
	api := orders()
	for b.Loop() {
		api.Choose(Request{Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
	}
}
