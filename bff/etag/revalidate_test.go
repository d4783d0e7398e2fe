package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/etag"
)

// answering is a page that answers body in two writes.
func answering(status int, cacheControl, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", cacheControl)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body[:len(body)/2])
		_, _ = io.WriteString(w, body[len(body)/2:])
	})
}

// ask sends an If-None-Match, in as many lines as it has.
func ask(h http.Handler, ifNoneMatch string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for line := range strings.Lines(ifNoneMatch) {
		r.Header.Add("If-None-Match", strings.TrimSpace(line))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRevalidate(t *testing.T) {
	t.Parallel()
	const body = `{"page":1}`
	tag := etag.Of([]byte(body))
	for name, tc := range map[string]struct {
		status       int
		cacheControl string
		ifNoneMatch  string
		want         int
		tagged       bool
	}{
		"a page":                      {200, etag.Private, "", 200, true},
		"a page that the client has":  {200, etag.Private, tag, 304, true},
		"another than the client has": {200, etag.Private, `W/"another"`, 200, true},
		"two pages, in two lines":     {200, etag.Private, "W/\"another\"\n" + tag, 304, true},
		"any that the client has":     {200, etag.Private, "*", 304, true},
		"not to be kept":              {200, etag.NoStore, tag, 200, false},
		"a problem":                   {502, etag.Private, tag, 502, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(etag.Revalidate(answering(tc.status, tc.cacheControl, body)), tc.ifNoneMatch)
			if w.Code != tc.want || w.Header().Get("Cache-Control") != tc.cacheControl {
				t.Errorf("%d, Cache-Control %q; want %d and %q", w.Code, w.Header().Get("Cache-Control"), tc.want, tc.cacheControl)
			}
			if got := w.Header().Get("ETag"); got == tag != tc.tagged || got != "" != tc.tagged {
				t.Errorf("ETag %q, want that of the body: %v", got, tc.tagged)
			}
			wantBody, wantType, wantLength := body, "application/json", strconv.Itoa(len(body))
			if tc.want == http.StatusNotModified {
				wantBody, wantType, wantLength = "", "", ""
			}
			if w.Body.String() != wantBody || w.Header().Get("Content-Type") != wantType || w.Header().Get("Content-Length") != wantLength {
				t.Errorf("body %q of type %q and length %q, want %q", w.Body, w.Header().Get("Content-Type"), w.Header().Get("Content-Length"), wantBody)
			}
		})
	}
}

// TestRevalidateKeepsAnswersApart: buffers are used again, for shorter and longer answers,
// after one that was large and after a panic.
func TestRevalidateKeepsAnswersApart(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("a", 100<<10)
	for _, body := range []string{"first", large, "a longer one", "x"} {
		h := etag.Revalidate(answering(http.StatusOK, etag.Private, body))
		if w := ask(h, ""); w.Body.String() != body || w.Header().Get("ETag") != etag.Of([]byte(body)) {
			t.Errorf("%d bytes, ETag %s: want the %d that were written and their tag", w.Body.Len(), w.Header().Get("ETag"), len(body))
		}
		func() {
			defer func() { _ = recover() }()
			ask(etag.Revalidate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half of a page")
				panic(http.ErrAbortHandler)
			})), "")
		}()
	}
}

// TestRevalidateSendsNothingOfAPanic: who recovers it can still answer.
func TestRevalidateSendsNothingOfAPanic(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	func() {
		defer func() { http.Error(w, "internal", http.StatusInternalServerError); _ = recover() }()
		etag.Revalidate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of a page")
			panic("boom")
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half") {
		t.Errorf("%d %q, want a 500 alone", w.Code, w.Body)
	}
}

func BenchmarkRevalidate(b *testing.B) {
	h := etag.Revalidate(answering(http.StatusOK, etag.Private, strings.Repeat("a", 1300)))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
