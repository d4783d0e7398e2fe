package router

import (
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":               "",
		"/":              "/",
		"/a/b":           "/a/b",
		"/a//b///c":      "/a/b/c",
		"/./a/../b/.":    "/b/",
		"/a/b/../../..":  "/",
		"/../../etc":     "/etc",
		"/%61%2f%2F%3a":  "/a%2F%2F%3A",
		"/%2e%2e/secret": "/secret",
		"/%zz%4":         "/%zz%4",
		"/caf%C3%A9":     "/café",
	} {
		if got := Normalize(path); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a-b_c.d~e%2F":  "/a-b_c.d~e%2F",
		"/café x\"<>{}|": "/caf%C3%A9%20x%22%3C%3E%7B%7D%7C",
	} {
		if got := escape(path); got != want {
			t.Errorf("escape(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestWithoutQuery(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{"/a?b": "/a", "/a": "/a", "/?": "/", "?": "?", "": ""} {
		if got := WithoutQuery(uri); got != want {
			t.Errorf("WithoutQuery(%q) = %q, want %q", uri, got, want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("/a/%2e%2E/../b//c?")
	f.Fuzz(func(t *testing.T, path string) {
		got := Normalize("/" + path)
		if strings.Contains(got, "//") || strings.Contains(got+"/", "/../") {
			t.Errorf("Normalize(%q) = %q", path, got)
		}
	})
}
