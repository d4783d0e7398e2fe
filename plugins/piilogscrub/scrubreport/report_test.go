package scrubreport

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

const accessLine = `203.0.113.7 - ada [24/Nov/2025:03:13:41 +0000] "GET /v1/orders/7?a=1&email=VALUE HTTP/1.1" 200 4821 "https://x.example/?phone=OTHER" "curl THIRD" kong_request_id: "6b3f0a1c2d4e5f60718293a4b5c6d7e8"`

func TestField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, value, want string }{
		{accessLine, "203.0.113.7", "address"},
		{accessLine, "ada", "user"},
		{accessLine, "VALUE", "request ?email"},
		{accessLine, "OTHER", "referrer ?phone"},
		{accessLine, "THIRD", "user_agent"},
		{`{"request":{"querystring":{"email":"VALUE"}},"n":1}`, "VALUE", "request.querystring.email"},
		{`{"request": {"uri": "/x?a=1&email=VALUE&n=2"}}`, "VALUE", "request.uri ?email"},
		{`{"tags":["x",{"card":4111111111111111}]}`, "4111111111111111", "tags[].card"},
		{`{"a":{"b":1},"c":{"VALUE":2}}`, "VALUE", "c"},
		{` ["x","VALUE"]`, "VALUE", "[]"},
		{`{"a":"é\u00e9 \"q\" VALUE"}`, "VALUE", "a"},
		{`{"broken":"VALUE`, "VALUE", "broken"},
		{`level=info password="VALUE" n=1`, "VALUE", "password"},
		{`Authorization: Bearer VALUE`, "VALUE", "Authorization"},
		{`GET /x?a=1&q=call+VALUE HTTP/1.1`, "VALUE", "?q"},
		{`mail VALUE now`, "VALUE", None},
	} {
		start := strings.Index(tt.line, tt.value)
		if got := Field([]byte(tt.line), start, start+len(tt.value)); got != tt.want {
			t.Errorf("%s in %s: %q, want %q", tt.value, tt.line, got, tt.want)
		}
	}
	if got := Field([]byte("short"), 0, 70_000); got != None {
		t.Errorf("a line that is not held: %q", got)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	var routes Routes
	routes.Add("all", "/v1")
	routes.Add("orders", "/v1/orders", "/old")
	routes.Add("user", `~/v1/users/\d+$`, "~(") // no expression
	for line, want := range map[string]string{
		accessLine: "orders",
		strings.Replace(accessLine, "/v1/orders/7", "/v1/x", 1):        "all",
		strings.Replace(accessLine, "/v1/orders/7", "/v1/users/17", 1): "user",
		strings.Replace(accessLine, "/v1/orders/7", "/v2", 1):          None,
		`{"route":{"name":"told","id":"1"},"request":{"uri":"/v1/x"}}`: "told",
		`{"route":{"id":"1"}}`:             "1",
		`{"route":"told"}`:                 "told",
		`{"request":{"uri":"/old/1?x=1"}}`: "orders",
		`{"request":"GET /v1/x HTTP/1.1"}`: "all",
		`{"path":"/v1/orders"}`:            "orders",
		`{"route":7,"request":[]}`:         None,
		`text`:                             None,
		``:                                 None,
	} {
		if got := routes.Of([]byte(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestReportIsBounded: fields' names are anybody's, and hold no personal data in the table.
func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	in.WriteString(`{"joe@example.com":{"email":"joe@example.com"}}` + "\n")
	for i := range 2 * MaxRows {
		fmt.Fprintf(&in, `{"route":"r","f%d":"joe@example.com"}`+"\n", i)
	}
	r := Report{Engine: engine, Routes: &Routes{}}
	if err := scrub.Filter(strings.NewReader(in.String()), io.Discard, scrub.FilterOptions{Engine: engine, Observe: r.Add}); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	table := out.String()
	if n := strings.Count(table, "\n"); n > MaxRows+3 || r.Lines != 2*MaxRows+1 || r.Found != r.Lines {
		t.Errorf("%d lines for %d of which %d have something", n, r.Lines, r.Found)
	}
	for _, want := range []string{"[email]   email", others, fmt.Sprintf(" %d\n", MaxRows+2)} {
		if !strings.Contains(table, want) {
			t.Errorf("the table has no %q:\n%s", want, table[:500])
		}
	}
	if strings.Contains(table, "joe") {
		t.Error("the table has what is in the lines")
	}
}

// FuzzField: whatever the line is, its fields and its route are named without a panic, and
// briefly.
func FuzzField(f *testing.F) {
	for _, line := range []string{accessLine, `{"a":[{"b":"x@y.zz"}]}`, `x="y`, `[[[1`, `{"a":1}{`, "?a=b"} {
		f.Add(line, 1, 5)
	}
	var routes Routes
	routes.Add("r", "/", "~/x(/y)?")
	f.Fuzz(func(t *testing.T, line string, start, end int) {
		if start < 0 || end < start || end > len(line) {
			return
		}
		if got := Field([]byte(line), start, end); got == "" || len(got) > maxPath+maxName {
			t.Errorf("%q", got)
		}
		routes.Of([]byte(line))
	})
}
