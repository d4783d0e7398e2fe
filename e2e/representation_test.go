package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// asItComes is a client that unpacks nothing.
func asItComes(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestCompression: the gateway compresses a page that is worth it, for who asks for it, and
// the page keeps its tag.
func TestCompression(t *testing.T) {
	client := asItComes(t)
	token := bearer(t, devtoken.Web, "acme", "u1")
	ask := func(path, encoding string, more ...string) answer {
		return getBy(t, client, path, append(more, "Accept-Encoding: "+encoding)...)
	}
	whole := ask("/web/v1/dashboard", "identity", token).wantStatus(t, http.StatusOK)
	wantHeader(t, whole.header, "Content-Encoding")
	wantHeader(t, whole.header, "Vary", "Accept-Encoding")

	packed := ask("/web/v1/dashboard", "br, gzip", token).wantStatus(t, http.StatusOK)
	wantHeader(t, packed.header, "Content-Encoding", "gzip")
	wantHeader(t, packed.header, "Vary", "Accept-Encoding")
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(body, whole.body) {
		t.Errorf("unpacked: %v, %s; want %s", err, body, whole.body)
	}
	if 2*len(packed.body) > len(whole.body) {
		t.Errorf("%d bytes compressed of %d", len(packed.body), len(whole.body))
	}
	tag := packed.header.Get("ETag")
	if tag != whole.header.Get("ETag") || !strings.HasPrefix(tag, "W/") {
		t.Errorf("ETag %s, of the same as it is %s; want one weak tag", tag, whole.header.Get("ETag"))
	}
	for _, encoding := range []string{"gzip", "identity"} {
		again := ask("/web/v1/dashboard", encoding, token, "If-None-Match: "+tag)
		if again.wantStatus(t, http.StatusNotModified); len(again.body) != 0 {
			t.Errorf("a 304 with %d bytes", len(again.body))
		}
	}
	home := ask("/mobile/v1/home", "gzip", bearer(t, devtoken.Mobile, "acme", "u1")).wantStatus(t, http.StatusOK)
	wantHeader(t, home.header, "Content-Encoding") // less than a packet
}

// TestHeadThroughTheGateway: what GET answers, without a body.
func TestHeadThroughTheGateway(t *testing.T) {
	for path, client := range map[string]devtoken.Client{
		"/web/v1/dashboard": devtoken.Web, "/mobile/v1/home": devtoken.Mobile, "/mobile/v1/orders?limit=1": devtoken.Mobile,
	} {
		token := bearer(t, client, "acme", "u1")
		got := get(t, path, token).wantStatus(t, http.StatusOK)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, gate.proxy+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(token, ": ")
		req.Header.Set(name, value)
		head := send(t, req).wantStatus(t, http.StatusOK)
		if len(head.body) != 0 {
			t.Errorf("HEAD %s: a body of %d bytes", path, len(head.body))
		}
		for _, name := range []string{"Content-Type", "Cache-Control", "ETag", "RateLimit-Policy"} {
			wantHeader(t, head.header, name, got.header.Values(name)...)
		}
	}
}
