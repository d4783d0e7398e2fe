package serverspan

import (
	"testing"
	"time"
)

// TestRequest: what a span says has few values and names nobody.
func TestRequest(t *testing.T) {
	t.Parallel()
	orders := []string{"/orders", "/", "/orders/archive"}
	tests := []struct {
		name                     string
		request                  Request
		spanName, route, network string
	}{
		{"the longest path that fits", Request{Method: "GET", URI: "/orders/4711?email=jane", RoutePaths: orders, ClientIP: "203.0.113.77"}, "GET /orders", "/orders", "203.0.113.0/24"},
		{"a regular expression", Request{Method: "PUT", URI: "/users/7", RoutePaths: []string{`~/users/\d+$`}, ClientIP: "2001:db8:1:2::3"}, `PUT ~/users/\d+$`, `~/users/\d+$`, "2001:db8:1::/48"},
		{"a prefix before a regular expression", Request{Method: "GET", URI: "/users/x", RoutePaths: []string{"~/users/x$", "/users"}}, "GET /users", "/users", ""},
		{"no prefix fits, so a regular expression did", Request{Method: "GET", URI: "/users/7", RoutePaths: []string{"/orders", `~/users/\d+$`}}, `GET ~/users/\d+$`, `~/users/\d+$`, ""},
		{"a route without paths", Request{Method: "POST", RouteName: "hooks", ClientIP: "::ffff:192.0.2.9"}, "POST hooks", "", "192.0.2.0/24"},
		{"no route", Request{Method: "GET", URI: "/x", ClientIP: "[ip]"}, "GET", "", ""},
		{"a method of the client's own", Request{Method: "JANE", RoutePaths: []string{"/"}}, "HTTP /", "/", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.request.spanName(); got != tt.spanName {
				t.Errorf("span name %q, want %q", got, tt.spanName)
			}
			if got := tt.request.route(); got != tt.route {
				t.Errorf("route %q, want %q", got, tt.route)
			}
			if got := tt.request.clientNetwork(); got != tt.network {
				t.Errorf("client network %q, want %q", got, tt.network)
			}
		})
	}
}

// TestTimes: nginx's clock cuts milliseconds off, and the span must not end before what
// is in it. Our own clock counts where it agrees with nginx's.
func TestTimes(t *testing.T) {
	t.Parallel()
	const startedAt, latency = 1767225600123, 44
	start := time.UnixMilli(startedAt)
	cut := start.Add(latency * time.Millisecond)
	for name, tt := range map[string]struct{ heard, end time.Time }{
		"not heard of":                     {time.Time{}, cut.Add(time.Millisecond)},
		"heard of within the millisecond":  {cut.Add(300 * time.Microsecond), cut.Add(300 * time.Microsecond)},
		"heard of later":                   {cut.Add(5 * time.Millisecond), cut.Add(time.Millisecond)},
		"a clock that was set back since":  {cut.Add(-time.Hour), cut.Add(time.Millisecond)},
		"heard of as nginx' clock says it": {cut, cut.Add(time.Millisecond)},
	} {
		r := Request{StartedAt: startedAt, Latency: latency, HeardAt: tt.heard}
		if gotStart, gotEnd := r.times(); !gotStart.Equal(start) || !gotEnd.Equal(tt.end) {
			t.Errorf("%s: %v to %v, want %v to %v", name, gotStart, gotEnd, start, tt.end)
		}
	}
}

func TestProtocolVersion(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]string{
		"HTTP/1.0": "1.0", "HTTP/1.1": "1.1", "HTTP/2.0": "2", "HTTP/3.0": "3", "": "", "HTTP/jane": "", "jane": "",
	} {
		if got := (&Request{Protocol: protocol}).protocolVersion(); got != want {
			t.Errorf("%q: version %q, want %q", protocol, got, want)
		}
	}
}

// TestServer: an address is the gateway's own, and no name is believed.
func TestServer(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"127.0.0.1": "127.0.0.1", "[2001:db8::1]": "[2001:db8::1]", "joe@example.com": "scrubbed", "": ""} {
		if got := (&Request{Host: host}).server(scrubbing{}); got != want {
			t.Errorf("%q: server %q, want %q", host, got, want)
		}
	}
}

type scrubbing struct{}

func (scrubbing) ScrubPath(string) string { return "scrubbed" }
func (scrubbing) ScrubText(text string) string {
	if text == "" {
		return ""
	}
	return "scrubbed"
}
