package devgateway

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompress: what nginx's gzip module makes of responses.
func TestCompress(t *testing.T) {
	t.Parallel()
	c, err := parseGzip(Gzip{On: "on", Types: "application/json", MinLength: "100", Proxied: "any", Vary: "on"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 100)
	for name, tc := range map[string]struct {
		method, accept string
		status         int
		header         http.Header
		body           string
		want           http.Header
	}{
		"compressed": {"GET", "br, gzip", 200, http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Etag": {`"a"`}, "Content-Length": {"100"}}, long,
			http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Etag": {`W/"a"`}, "Vary": {"Accept-Encoding"}, "Content-Encoding": {"gzip"}}},
		"weak already": {"GET", "GZIP;q=0.5", 200, http.Header{"Content-Type": {"text/html"}, "Etag": {`W/"a"`}}, long,
			http.Header{"Content-Type": {"text/html"}, "Etag": {`W/"a"`}, "Vary": {"Accept-Encoding"}, "Content-Encoding": {"gzip"}}},
		"not asked for": {"GET", "br", 200, http.Header{"Content-Type": {"application/json"}}, long,
			http.Header{"Content-Type": {"application/json"}, "Vary": {"Accept-Encoding"}}},
		"refused": {"GET", "gzip;q=0", 200, http.Header{"Content-Type": {"application/json"}}, long,
			http.Header{"Content-Type": {"application/json"}, "Vary": {"Accept-Encoding"}}},
		"HEAD": {"HEAD", "gzip", 200, http.Header{"Content-Type": {"application/json"}, "Content-Length": {"100"}}, "",
			http.Header{"Content-Type": {"application/json"}, "Vary": {"Accept-Encoding"}, "Content-Encoding": {"gzip"}}},
		"short":            {"GET", "gzip", 200, http.Header{"Content-Type": {"application/json"}}, long[1:], http.Header{"Content-Type": {"application/json"}}},
		"another type":     {"GET", "gzip", 200, http.Header{"Content-Type": {"image/png"}}, long, http.Header{"Content-Type": {"image/png"}}},
		"another status":   {"GET", "gzip", 502, http.Header{"Content-Type": {"application/json"}}, long, http.Header{"Content-Type": {"application/json"}}},
		"encoded upstream": {"GET", "gzip", 200, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"br"}}, long, http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"br"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, "/", nil)
			r.Header.Set("Accept-Encoding", tc.accept)
			res := &http.Response{StatusCode: tc.status, Header: tc.header, ContentLength: contentLength(tc.header, tc.body), Body: io.NopCloser(strings.NewReader(tc.body))}
			h := tc.header.Clone()
			c.compress(r, res, h)
			if diff := cmp.Diff(tc.want, h); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if tc.method == http.MethodHead {
				h.Del("Content-Encoding") // there is nothing to unpack
			}
			if got := plain(t, h, res.Body); got != tc.body {
				t.Errorf("body %q", got)
			}
		})
	}
}

// contentLength is what the header says, or the body's.
func contentLength(h http.Header, body string) int64 {
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
		return n
	}
	return int64(len(body))
}

// plain reads a body that may be compressed.
func plain(t *testing.T, h http.Header, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	var from io.Reader = body
	if h.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		from = z
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNoCompressionByDefault(t *testing.T) {
	t.Parallel()
	c, err := parseGzip(Gzip{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	h := http.Header{"Content-Type": {"text/html"}}
	c.compress(r, &http.Response{StatusCode: 200, Header: h, ContentLength: 1 << 20}, h)
	if len(h) != 1 {
		t.Errorf("headers %v", h)
	}
}
