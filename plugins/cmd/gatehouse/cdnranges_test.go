package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

const recorded = "../../cdnranges/testdata/"

// runCDNRanges runs the command and returns its code and what it wrote.
func runCDNRanges(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), streams{strings.NewReader(stdin), &stdout, &stderr}, append([]string{"cdn-ranges"}, args...))
	return code, stdout.String(), stderr.String()
}

func TestCDNRanges(t *testing.T) {
	t.Parallel()
	published := httptest.NewServer(http.FileServer(http.Dir(recorded)))
	t.Cleanup(published.Close)
	tests := []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"file", "", []string{"-from", recorded + "fastly.json", "fastly"}, "KONG_TRUSTED_IPS=192.0.2.0/24,198.51.100.0/24,2001:db8:4e40::/48\n"},
		{"URLs", "", []string{"-from", published.URL + "/cloudflare-v4.txt", "-from", published.URL + "/cloudflare-v6.txt", "-format", "conf", "cloudflare"},
			"trusted_ips = 192.0.2.0/24,198.51.100.0/25,198.51.100.128/25,2001:db8:100::/48,2001:db8:200::/40\n"},
		{"standard input", "192.0.2.1\n", []string{"-from", "-", "-format", "json", "list"}, "[\"192.0.2.1/32\"]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runCDNRanges(t, tt.stdin, tt.args...)
			if code != 0 || out != tt.want || errs != "" {
				t.Errorf("code %d, printed %q and %q, want %q", code, out, errs, tt.want)
			}
		})
	}
}

// TestCDNRangesFails wants one line that names the source and says what to do, and nothing
// to paste into a config.
func TestCDNRangesFails(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.FileServer(http.Dir(recorded)))
	t.Cleanup(elsewhere.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/fastly.json", http.StatusFound)
	})
	mux.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/circle", http.StatusFound) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/stalls", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"addresses":["192.0.2.0/24"`))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"addresses":["192.0.2.0/24"]}`))
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Just a moment…</html>")) })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		for range 33 {
			if _, err := w.Write(bytes.Repeat([]byte("192.0.2.0/24   \n"), 1<<16)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	tests := []struct {
		name, stdin string
		args        []string
		want        []string
	}{
		{"redirect to another host", "", []string{"-from", server.URL + "/elsewhere", "fastly"}, []string{"/elsewhere", "redirects to " + elsewhere.URL}},
		{"redirects for ever", "", []string{"-from", server.URL + "/circle", "fastly"}, []string{"/circle", "more than 3 times"}},
		{"no answer", "", []string{"-from", server.URL + "/slow", "-timeout", "50ms", "fastly"}, []string{"/slow", "within 50ms"}},
		{"half an answer", "", []string{"-from", server.URL + "/stalls", "-timeout", "200ms", "fastly"}, []string{"/stalls", "within 200ms"}},
		{"cut off", "", []string{"-from", server.URL + "/cut", "fastly"}, []string{"/cut", "cut short"}},
		{"a page", "", []string{"-from", server.URL + "/page", "fastly"}, []string{"/page", "web page"}},
		{"too much", "", []string{"-from", server.URL + "/huge", "list"}, []string{"/huge", "more than 32 MiB"}},
		{"not there", "", []string{"-from", server.URL + "/nothing", "fastly"}, []string{"/nothing", "404"}},
		{"nobody there", "", []string{"-from", "http://127.0.0.1:1/", "fastly"}, []string{"127.0.0.1:1", "refused"}},
		{"no such file", "", []string{"-from", filepath.Join(t.TempDir(), "list.json"), "fastly"}, []string{"list.json", "no such file"}},
		{"everybody", "0.0.0.0/0\n", []string{"-from", "-", "list"}, []string{"from -", "0.0.0.0/0"}},
		{"one bad part of two", "", []string{"-from", recorded + "cloudflare-v4.txt", "-from", server.URL + "/page", "cloudflare"}, []string{"/page", "web page"}},
		{"one part of two", "", []string{"-from", recorded + "cloudflare-v4.txt", "cloudflare"}, []string{"cloudflare-v4.txt", "no IPv6 network", "as list"}},
		{"one part twice", "", []string{"-from", recorded + "cloudflare-v6.txt", "-from", recorded + "cloudflare-v6.txt", "cloudflare"}, []string{"no IPv4 network"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runCDNRanges(t, tt.stdin, tt.args...)
			if code != 1 || out != "" || strings.Count(errs, "\n") != 1 {
				t.Errorf("code %d, printed %q and %q, want code 1 and one line", code, out, errs)
			}
			for _, want := range tt.want {
				if !strings.Contains(errs, want) {
					t.Errorf("error %q, want %q in it", errs, want)
				}
			}
		})
	}
}
