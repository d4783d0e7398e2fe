package apidoc_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/apidoc"
	"github.com/gatehousehq/gatehouse/bff/openapi"
)

func serve(t *testing.T, contract []byte, method, path, tag string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := apidoc.New(contract)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestContractIsServedAsItIs(t *testing.T) {
	t.Parallel()
	w := serve(t, openapi.Web, http.MethodGet, apidoc.ContractPath, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml" || !bytes.Equal(w.Body.Bytes(), openapi.Web) {
		t.Errorf("%d %s, %d bytes; want the contract", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
	if again := serve(t, openapi.Web, http.MethodGet, apidoc.ContractPath, w.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("with its tag: %d, want 304", again.Code)
	}
	if head := serve(t, openapi.Web, http.MethodHead, apidoc.PagePath, ""); head.Code != 200 || head.Body.Len() != 0 {
		t.Errorf("HEAD: %d and %d bytes", head.Code, head.Body.Len())
	}
	if post := serve(t, openapi.Web, http.MethodPost, apidoc.PagePath, ""); post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", post.Code)
	}
}

// TestPage holds the page to what a reader looks for, and to its own links.
func TestPage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contract []byte
		says     []string
	}{
		"web": {openapi.Web, []string{
			"Web BFF", "GET /web/v1/dashboard", "Degraded, the billing service is away", "RateLimit-Policy", "Retry-After",
			`urn:gatehouse:problem:upstream-timeout`, "one of <code>billing</code>, <code>notifications</code>", "Authorization: bearer",
			"403, a token of another client", `<a href="#GatewayProblem">GatewayProblem</a> or <a href="#GatewayMessage">`, "414, a target of more than 8 KiB",
		}},
		"mobile": {openapi.Mobile, []string{
			"Mobile BFF", "GET /mobile/v1/orders", "from 1, to 50, 20 if absent", "is older than 24 hours", "at most 512 characters",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, tc.contract, http.MethodGet, apidoc.PagePath, "")
			html := w.Body.String()
			if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
			}
			for _, want := range tc.says {
				if !strings.Contains(html, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(html, -1) {
				if !strings.Contains(html, `id="`+link[1]+`"`) {
					t.Errorf("link to #%s, which is not there", link[1])
				}
			}
			if loaded := regexp.MustCompile(`(?i)<(script|link|img|iframe)|@import|url\(`).FindString(html); loaded != "" {
				t.Errorf("the page loads something: %s", loaded)
			}
		})
	}
}

// TestTextIsNoMarkup: a contract's words are words.
func TestTextIsNoMarkup(t *testing.T) {
	t.Parallel()
	contract := bytes.Replace(openapi.Web, []byte("summary: The dashboard\n"), []byte("summary: <script>alert(1)</script>\n"), 1)
	if html := serve(t, contract, http.MethodGet, apidoc.PagePath, "").Body.String(); !strings.Contains(html, "&lt;script&gt;") || strings.Contains(html, "<script") {
		t.Error("a summary became markup")
	}
}

func TestNewRefusesWhatIsNoContract(t *testing.T) {
	t.Parallel()
	if _, err := apidoc.New([]byte("openapi: [")); err == nil {
		t.Error("no error")
	}
}
