package faults

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
)

// TestBalancer: a replica that takes no connection costs nobody anything, and a request
// that was sent to one is not sent again.
func TestBalancer(t *testing.T) {
	t.Parallel()
	var answered, hungUp atomic.Int64
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered.Add(1) }))
	defer well.Close()
	dying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hungUp.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer dying.Close()
	for name, tt := range map[string]struct {
		other string
		fail  int
	}{
		"nobody listens":              {other: nobody(t)},
		"the connection breaks later": {other: dying.URL, fail: 10},
	} {
		answered.Store(0)
		hungUp.Store(0)
		b, err := startBalancer([]*target{at(t, "well", well.URL), at(t, "other", tt.other)})
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for range 20 {
			a := get(http.DefaultClient, orders, "http://"+b.addr, "apikey: k")
			if a.seen() == "broken" {
				failed++
			} else if a.status != http.StatusOK || a.replica != "well" {
				t.Errorf("%s: an answer of %+v", name, a)
			}
		}
		if failed != tt.fail || answered.Load() != int64(20-tt.fail) || hungUp.Load() != int64(tt.fail) {
			t.Errorf("%s: %d requests failed, %d were answered and %d sent in vain; want %d failed", name, failed, answered.Load(), hungUp.Load(), tt.fail)
		}
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}
}

// nobody is a URL at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

func at(t *testing.T, name, address string) *target {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &target{name: name, proxy: u}
}

func TestLearn(t *testing.T) {
	t.Parallel()
	one := new(target)
	one.in.Store(true)
	for i, step := range []struct{ ready, in bool }{
		{false, true}, {true, true}, {false, true}, {false, false}, // out after two in a row
		{true, false}, {false, false}, {true, false}, {true, true}, // and in
	} {
		if one.learn(step.ready); one.in.Load() != step.in {
			t.Fatalf("check %d: in = %v, want %v", i, one.in.Load(), step.in)
		}
	}
}
