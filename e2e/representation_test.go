package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/openapi"
	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
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

// TestContractThroughTheGateway: a route of its own publishes a BFF's contract, as
// docs/bff.md has it, and nothing beside it.
func TestContractThroughTheGateway(t *testing.T) {
	restore := useConfig(t, func(config map[string]any) {
		for name, path := range map[string]string{"docs": "/docs", "contract": "/openapi.yaml"} {
			addServiceLike(t, config, "mobile-bff", map[string]any{
				"name": name, "path": path,
				"routes": []any{map[string]any{"name": name, "paths": []string{"/mobile" + path}, "methods": []string{"GET", "HEAD"}}},
			})
		}
	})
	defer restore()
	contract := get(t, "/mobile/openapi.yaml").wantStatus(t, http.StatusOK)
	if !bytes.Equal(contract.body, openapi.Mobile) {
		t.Errorf("%d bytes, want the contract", len(contract.body))
	}
	wantHeader(t, contract.header, "Content-Type", "application/yaml")
	page := get(t, "/mobile/docs").wantStatus(t, http.StatusOK)
	if !bytes.Contains(page.body, []byte(`href="openapi.yaml"`)) {
		t.Errorf("the page has no link to the contract: %.200s", page.body)
	}
	get(t, "/mobile/docs/mobile/v1/home", "X-Tenant-Id: acme", "X-User-Id: u1").wantStatus(t, http.StatusNotFound)
}

// TestBadInputThroughTheGateway: what the gateway lets through is named by the BFF.
func TestBadInputThroughTheGateway(t *testing.T) {
	token := bearer(t, devtoken.Mobile, "acme", "u1")
	page := get(t, "/mobile/v1/orders?limit=1", bearer(t, devtoken.Mobile, "globex", "u1")).wantStatus(t, http.StatusOK)
	var globex mobileapi.OrderPage
	page.into(t, &globex)
	for query, want := range map[string]string{
		"limit=51":                              `"parameter":"limit"`,
		"cursor=YTphY21lLTEwMzU":                `"parameter":"cursor"`,
		"cursor=" + globex.NextCursor.Value:     `"parameter":"cursor"`,
		strings.Repeat("a&", 1_000) + "limit=1": "more than 100 parameters",
	} {
		a := get(t, "/mobile/v1/orders?"+query, token).wantStatus(t, http.StatusBadRequest)
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%.40s: %s, want %s", query, a.body, want)
		}
		wantHeader(t, a.header, "Content-Type", "application/problem+json")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.proxy+"/mobile/v1/home", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(token, ": ")
	req.Header.Set(name, value)
	if a := send(t, req).wantStatus(t, http.StatusBadRequest); !strings.Contains(string(a.body), "takes no body") {
		t.Errorf("a body on GET: %s", a.body)
	}
}
