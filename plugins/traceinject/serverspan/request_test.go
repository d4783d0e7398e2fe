package serverspan

import "testing"

// TestRequest: what a span says has few values and names nobody.
func TestRequest(t *testing.T) {
	t.Parallel()
	orders := []string{"/orders", "/", "/orders/archive"}
	tests := []struct {
		name                     string
		request                  Request
		spanName, route, network string
	}{
		{"the longest path that fits", Request{Method: "GET", URI: "/orders/4711?email=jane", RoutePaths: orders, ClientIP: "203.0.113.77"}, "GET /orders", "/orders", "203.0.113.0"},
		{"a regular expression", Request{Method: "PUT", URI: "/users/7", RoutePaths: []string{`~/users/\d+$`}, ClientIP: "2001:db8:1:2::3"}, `PUT ~/users/\d+$`, `~/users/\d+$`, "2001:db8:1::"},
		{"a route without paths", Request{Method: "POST", RouteName: "hooks", ClientIP: "::ffff:192.0.2.9"}, "POST hooks", "", "192.0.2.0"},
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
