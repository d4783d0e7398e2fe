package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/services"
)

// listen serves a BFF's pages as serve does, over a socket.
func (s *system) listen(t *testing.T, pages http.Handler) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(config{budget: time.Second}, withHealth(pages, new(atomic.Bool)), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// exchange sends bytes and reads the answer to a request with that method.
func exchange(t *testing.T, addr, method, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(9 * time.Second)) // the server waits 10 s for a body
	go func() { _, _ = io.WriteString(conn, request) }()  // which may be cut off: the answer comes before the end
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// asked is a request for a page by a user.
func asked(method, target string, more ...string) string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: bff\r\nX-Tenant-Id: acme\r\nX-User-Id: u1\r\n", method, target)
	return head + strings.Join(more, "")
}

const end = "\r\n"

// TestBadInput sends what no client should, byte for byte.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	addr := s.listen(t, s.mobile)
	const orders, home = "/mobile/v1/orders", "/mobile/v1/home"
	for name, tc := range map[string]struct {
		request string
		status  int
		says    string
	}{
		"limit too small":             {asked("GET", orders+"?limit=0", end), 400, `"parameter":"limit"`},
		"limit too large":             {asked("GET", orders+"?limit=51", end), 400, `"parameter":"limit"`},
		"limit beyond any number":     {asked("GET", orders+"?limit=99999999999999999999", end), 400, `"parameter":"limit"`},
		"limit negative":              {asked("GET", orders+"?limit=-1", end), 400, `"parameter":"limit"`},
		"limit empty":                 {asked("GET", orders+"?limit=", end), 400, `"parameter":"limit"`},
		"limit twice":                 {asked("GET", orders+"?limit=1&limit=2", end), 400, `"parameter":"limit"`},
		"cursor empty":                {asked("GET", orders+"?cursor=", end), 400, `"parameter":"cursor"`},
		"cursor too long":             {asked("GET", orders+"?cursor="+strings.Repeat("a", 10_000), end), 400, `"parameter":"cursor"`},
		"cursor made up":              {asked("GET", orders+"?cursor=YTphY21lLTEwMzU", end), 400, `"parameter":"cursor"`},
		"cursor twice":                {asked("GET", orders+"?cursor=a&cursor=b", end), 400, `"parameter":"cursor"`},
		"tag too long":                {asked("GET", home, "If-None-Match: "+strings.Repeat("a", 513)+end, end), 400, `"parameter":"If-None-Match"`},
		"tenant twice":                {asked("GET", home, "X-Tenant-Id: globex\r\n", end), 401, `"parameter":"X-Tenant-Id"`},
		"unknown parameter":           {asked("GET", home+"?colour=blue", end), 200, `"first_name"`},
		"ten thousand parameters":     {asked("GET", orders+"?a"+strings.Repeat("&a", 9_999), end), 400, "more than 100 parameters"},
		"more than fit into a header": {asked("GET", orders+"?limit=1"+strings.Repeat("&limit=1", 9_999), end), 431, ""},
		"a query that is cut off":     {asked("GET", orders+"?limit=%2", end), 400, "The query cannot be read"},
		"a query with semicolons":     {asked("GET", orders+"?limit=1;cursor=a", end), 400, "The query cannot be read"},
		"a body":                      {asked("GET", home, "Content-Length: 2\r\n", end, "{}"), 400, "takes no body"},
		"a body in chunks":            {asked("GET", home, "Transfer-Encoding: chunked\r\n", end, "2\r\n{}\r\n0\r\n\r\n"), 400, "takes no body"},
		"a body that never comes":     {asked("GET", home, "Content-Length: 1000000000000\r\n", end), 400, "takes no body"},
		"a body that asks":            {asked("GET", home, "Content-Length: 2\r\nExpect: 100-continue\r\n", end), 400, "takes no body"},
		"two lengths":                 {asked("GET", home, "Content-Length: 2\r\nContent-Length: 3\r\n", end, "{}"), 400, ""},
		"a length and chunks":         {asked("GET", home, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", end, "0\r\n\r\n"), 400, ""},
		"a header of a megabyte":      {asked("GET", home, "X-Long: "+strings.Repeat("a", 1<<20)+end, end), 431, ""},
		"ten thousand headers":        {asked("GET", home, strings.Repeat("X-Many: 1234\r\n", 10_000), end), 431, ""},
		"a target of a megabyte":      {asked("GET", "/"+strings.Repeat("a", 1<<20), end), 431, ""},
		"a method that is not theirs": {asked("POST", home, "Content-Length: 2\r\n", end, "{}"), 405, "Use GET, HEAD instead of POST."},
		"a body that is not his":      {asked("POST", home, "Content-Length: 5\r\n", end), 405, "Use GET, HEAD instead of POST."},
		"a body that comes later":     {asked("GET", home, "Content-Length: 5\r\n", end), 400, "takes no body"},
		"chunks that come later":      {asked("GET", home, "Transfer-Encoding: chunked\r\n", end), 400, "takes no body"},
		"two slashes":                 {asked("GET", "/"+home, end), 404, "There is no such resource."},
		"no such page":                {asked("GET", "/mobile/v1/../../etc/passwd", end), 404, "There is no such resource."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := exchange(t, addr, http.MethodGet, tc.request)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("%d %s, want %d and %s", resp.StatusCode, body, tc.status, tc.says)
			}
			if problem := resp.Header.Get("Content-Type") == "application/problem+json"; tc.says != "" && problem != (tc.status >= 400) {
				t.Errorf("Content-Type %s", resp.Header.Get("Content-Type"))
			}
		})
	}
}

// TestHead: the same headers as with GET, and no body.
func TestHead(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	web, mobile := s.listen(t, s.web), s.listen(t, s.mobile)
	for _, tc := range []struct {
		addr, target string
		status       int
	}{
		{web, "/web/v1/dashboard", 200}, {mobile, "/mobile/v1/home", 200}, {mobile, "/mobile/v1/orders?limit=1", 200},
		{mobile, "/mobile/v1/orders?limit=0", 400}, {mobile, "/mobile/v1/nothing", 404},
	} {
		get, _ := exchange(t, tc.addr, http.MethodGet, asked("GET", tc.target, end))
		head, body := exchange(t, tc.addr, http.MethodHead, asked("HEAD", tc.target, end))
		if head.StatusCode != tc.status || body != "" {
			t.Errorf("HEAD %s: %d with a body of %d bytes, want %d with none", tc.target, head.StatusCode, len(body), tc.status)
		}
		for _, h := range []http.Header{get.Header, head.Header} {
			delete(h, "Date")
		}
		if !maps.EqualFunc(get.Header, head.Header, slices.Equal[[]string]) {
			t.Errorf("HEAD %s: headers %v, those of GET are %v", tc.target, head.Header, get.Header)
		}
	}
	first, _ := exchange(t, web, http.MethodGet, asked("GET", "/web/v1/dashboard", end))
	again, _ := exchange(t, web, http.MethodHead, asked("HEAD", "/web/v1/dashboard", "If-None-Match: "+first.Header.Get("ETag")+end, end))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("HEAD with the tag of the answer before: %d, want 304", again.StatusCode)
	}
}

// TestRetryAfter: whoever may come back is told when, and nobody else.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for fault, tc := range map[string]struct {
		status int
		want   string
	}{
		`{"latency_ms":1}`: {200, ""},
		`{"status":503}`:   {502, "1"},
		`{"reset":true}`:   {502, "1"},
		`{"hang":true}`:    {504, "1"},
	} {
		s := newSystem(t)
		s.fault(t, services.Orders, fault)
		for target, h := range map[string]http.Handler{"/web/v1/dashboard": s.web, "/mobile/v1/home": s.mobile, "/mobile/v1/orders": s.mobile} {
			if w := get(h, target, "acme"); w.Code != tc.status || w.Header().Get("Retry-After") != tc.want {
				t.Errorf("%s with orders %s: %d, Retry-After %q; want %d, %q", target, fault, w.Code, w.Header().Get("Retry-After"), tc.status, tc.want)
			}
		}
	}
	s := newSystem(t)
	if w := get(s.mobile, "/mobile/v1/orders?limit=0", "acme"); w.Header().Get("Retry-After") != "" {
		t.Errorf("a mistake in the request: Retry-After %q", w.Header().Get("Retry-After"))
	}
}
