package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/bff/upstream"
)

// echo answers after a time with the request's identity, and counts.
type echo struct {
	after  time.Duration
	status atomic.Int64 // 0: 200
	calls  atomic.Int64
	ended  atomic.Int64 // by their context
}

func (e *echo) RoundTrip(r *http.Request) (*http.Response, error) {
	n := e.calls.Add(1)
	select {
	case <-time.After(e.after):
	case <-r.Context().Done():
		e.ended.Add(1)
		return nil, r.Context().Err()
	}
	body := fmt.Sprintf("%d %s %s %v", n, r.URL, r.Header.Get("X-Tenant-Id"), r.Header)
	status := int(e.status.Load())
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Header: http.Header{"X-N": {fmt.Sprint(n)}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func request(ctx context.Context, t *testing.T, method, url string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return r
}

func read(resp *http.Response, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(body)
}

const ordersURL = "http://orders/v2/orders?limit=5"

func asked() http.Header {
	return http.Header{
		"X-Tenant-Id": {"acme"}, "X-User-Id": {"u1"}, "Accept": {"application/json"}, "Accept-Language": {"de"},
		"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "Request-Timeout": {"1500"},
	}
}

// TestCoalesceKeepsApart sends a request while the same one is under way, but for one
// thing.
func TestCoalesceKeepsApart(t *testing.T) {
	t.Parallel()
	type edit struct {
		method, url string
		header      func(http.Header)
	}
	set := func(name string, values ...string) edit {
		return edit{"GET", ordersURL, func(h http.Header) { h[name] = values }}
	}
	for name, tc := range map[string]struct {
		edit
		shared bool
	}{
		"nothing":                    {edit{"GET", ordersURL, func(http.Header) {}}, true},
		"another trace":              {set("Traceparent", "00-11111111111111111111111111111111-1111111111111111-00"), true},
		"its vendor's state":         {set("Tracestate", "a=b"), true},
		"less time":                  {set("Request-Timeout", "20"), true},
		"another tenant":             {set("X-Tenant-Id", "globex"), false},
		"no tenant":                  {set("X-Tenant-Id"), false},
		"the tenant twice":           {set("X-Tenant-Id", "acme", "globex"), false},
		"another case":               {set("X-Tenant-Id", "Acme"), false},
		"another user":               {set("X-User-Id", "u2"), false},
		"another spelling of tenant": {set("X_tenant_id", "globex"), false},
		"a plan":                     {set("X-Plan", "free"), false},
		"a consumer":                 {set("X-Consumer-Username", "web-app"), false},
		"groups":                     {set("X-Consumer-Groups", "web"), false},
		"a token":                    {set("Authorization", "Bearer x"), false},
		"a cookie":                   {set("Cookie", "a=b"), false},
		"another language":           {set("Accept-Language", "en"), false},
		"another media type":         {set("Accept", "text/plain"), false},
		"baggage":                    {set("Baggage", "tenant=globex"), false},
		"a condition":                {set("If-None-Match", `"x"`), false},
		"a range":                    {set("Range", "bytes=0-1"), false},
		"forwarded for":              {set("X-Forwarded-For", "10.0.0.1"), false},
		"a header of tomorrow":       {set("X-Impersonate", "u9"), false},
		"another page":               {edit{"GET", "http://orders/v2/orders?limit=6", func(http.Header) {}}, false},
		"another service":            {edit{"GET", "http://users/v2/orders?limit=5", func(http.Header) {}}, false},
		"another scheme":             {edit{"GET", "https://orders/v2/orders?limit=5", func(http.Header) {}}, false},
		"HEAD":                       {edit{"HEAD", ordersURL, func(http.Header) {}}, false},
		"POST":                       {edit{"POST", ordersURL, func(http.Header) {}}, false},
		"values that run together": {edit{"GET", ordersURL, func(h http.Header) {
			h["X-Tenant-Id"] = []string{"acmeX-User-Id"}
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &echo{after: time.Second}
				shares := 0
				c := upstream.Coalesce(service, func(*http.Request) { shares++ })
				go func() { _, _ = c.RoundTrip(request(t.Context(), t, "GET", ordersURL, asked())) }()
				synctest.Wait()
				header := asked()
				tc.header(header)
				got := read(c.RoundTrip(request(t.Context(), t, tc.method, tc.url, header)))
				want := fmt.Sprintf("2 %s %s %v", tc.url, header.Get("X-Tenant-Id"), header)
				if tc.shared {
					want = fmt.Sprintf("1 %s acme %v", ordersURL, asked())
				}
				if got != want || (shares == 1) != tc.shared {
					t.Errorf("got %s, want %s; %d shared", got, want, shares)
				}
			})
		})
	}
}

// TestCoalesceNeverMixes has many principals ask for the same things at once.
func TestCoalesceNeverMixes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &echo{after: 10 * time.Millisecond}
		c := upstream.Coalesce(service, nil)
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's choices
		var group sync.WaitGroup
		const calls = 3000
		for range calls {
			h := http.Header{}
			for name, values := range map[string]int{"X-Tenant-Id": 3, "X-User-Id": 3, "X-Plan": 2, "Accept-Language": 2, "Traceparent": 50} {
				if n := random.IntN(values + 1); n > 0 {
					h.Set(name, fmt.Sprint(n))
				}
			}
			pause := time.Duration(random.IntN(100)) * time.Millisecond
			group.Go(func() {
				time.Sleep(pause) // the bubble's time
				got := read(c.RoundTrip(request(t.Context(), t, "GET", ordersURL, h)))
				_, rest, _ := strings.Cut(got, "map[")
				for _, name := range []string{"X-Tenant-Id", "X-User-Id", "X-Plan", "Accept-Language"} {
					if has := strings.Contains(rest, name+":["+h.Get(name)+"]"); has != (h.Get(name) != "") {
						t.Errorf("%v got the answer to %s", h, rest)
					}
				}
			})
		}
		group.Wait()
		if n := service.calls.Load(); n >= calls || n < 100 {
			t.Errorf("%d requests for %d calls: want some to be shared", n, calls)
		}
	})
}

func TestCoalesceCancellation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gone  []int // of three callers, who gives up after half the time
		ended int64 // requests that were cancelled
	}{
		"the first":  {[]int{0}, 0},
		"the second": {[]int{1}, 0},
		"two":        {[]int{0, 2}, 0},
		"all":        {[]int{0, 1, 2}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &echo{after: time.Second}
				c := upstream.Coalesce(service, nil)
				var group sync.WaitGroup
				for caller := range 3 {
					gone := slices.Contains(tc.gone, caller)
					timeout := 2 * time.Second
					if gone {
						timeout = 500 * time.Millisecond
					}
					group.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), timeout)
						defer cancel()
						began := time.Now()
						resp, err := c.RoundTrip(request(ctx, t, "GET", ordersURL, asked()))
						if took := time.Since(began); gone && (!errors.Is(err, context.DeadlineExceeded) || took != timeout) {
							t.Errorf("caller %d gave up: %v after %v", caller, err, took)
						}
						if got := read(resp, err); !gone && !strings.HasPrefix(got, "1 ") {
							t.Errorf("caller %d waits: %s, want the first request's answer", caller, got)
						}
					})
					synctest.Wait() // in this order
				}
				group.Wait()
				synctest.Wait()
				if service.calls.Load() != 1 || service.ended.Load() != tc.ended {
					t.Errorf("%d requests, %d cancelled, want 1 and %d", service.calls.Load(), service.ended.Load(), tc.ended)
				}
				if got := read(c.RoundTrip(request(t.Context(), t, "GET", ordersURL, asked()))); !strings.HasPrefix(got, "2 ") {
					t.Errorf("afterwards: %s, want a request of its own", got)
				}
			})
		})
	}
}

// TestCoalesceSharesNoFailure: those who joined ask for themselves, at once.
func TestCoalesceSharesNoFailure(t *testing.T) {
	t.Parallel()
	for status, requests := range map[int64]int64{200: 1, 404: 1, 500: 10, 503: 10, 504: 10} {
		synctest.Test(t, func(t *testing.T) {
			service := &echo{after: time.Second}
			service.status.Store(status)
			c := upstream.Coalesce(service, nil)
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					resp, err := c.RoundTrip(request(t.Context(), t, "GET", ordersURL, asked()))
					if err != nil || int64(resp.StatusCode) != status {
						t.Errorf("%v, %v", resp, err)
					}
				})
			}
			began := time.Now()
			group.Wait()
			if got, took := service.calls.Load(), time.Since(began); got != requests || took > 2*time.Second {
				t.Errorf("%d: %d requests in %v, want %d", status, got, took, requests)
			}
		})
	}
}

// TestCoalesceAnswersAreOnesOwn: a caller may do with its answer what it likes.
func TestCoalesceAnswersAreOnesOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := upstream.Coalesce(&echo{after: time.Second}, nil)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				r := request(t.Context(), t, "GET", ordersURL, asked())
				resp, err := c.RoundTrip(r)
				if err != nil || resp.Request != r || resp.Header.Get("X-N") != "1" {
					t.Errorf("%+v, %v", resp, err)
					return
				}
				resp.Header.Set("X-N", "changed")
				r.Header.Set("X-Tenant-Id", "changed")
				if got := read(resp, nil); !strings.HasPrefix(got, "1 ") {
					t.Errorf("read %q", got)
				}
			})
		}
		group.Wait()
	})
}

// TestCoalesceBoundsBodies: as without it, too much is an error of the reader's.
func TestCoalesceBoundsBodies(t *testing.T) {
	t.Parallel()
	transport := &script{answers: []answer{{status: 200, body: summary + strings.Repeat(" ", 2<<20)}}}
	clients := newClients(t, upstream.Coalesce(transport, nil), io.Discard)
	_, err := clients.BillingSummary(t.Context(), acme)
	if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Kind != upstream.Malformed {
		t.Errorf("%v, want a malformed answer", err)
	}
}

func BenchmarkCoalesce(b *testing.B) {
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(summary)), Request: r}, nil
	})
	for name, rt := range map[string]http.RoundTripper{"off": transport, "on": upstream.Coalesce(transport, nil)} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), "GET", ordersURL, http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			r.Header = asked()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := rt.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCoalescedPanic: in a goroutine that is not the page's, a panic would end the process.
func TestCoalescedPanic(t *testing.T) {
	t.Parallel()
	got := read(upstream.Coalesce(panics{}, nil).RoundTrip(request(t.Context(), t, http.MethodGet, ordersURL, asked())))
	if !strings.HasPrefix(got, "error: panic: boom") {
		t.Errorf("%s, want the panic as an error", got)
	}
}
