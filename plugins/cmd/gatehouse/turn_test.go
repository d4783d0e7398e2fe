package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// firstLine is closed when something is written.
type firstLine struct {
	bytes.Buffer
	written chan struct{}
}

func (w *firstLine) Write(p []byte) (int, error) {
	if w.Len() == 0 {
		close(w.written)
	}
	return w.Buffer.Write(p)
}

// TestPublishOneAtATime: a key that was revoked while an older config was on its way to a
// slow node is on no node afterwards.
func TestPublishOneAtATime(t *testing.T) {
	t.Parallel()
	config, overlay := layerFiles(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	slow, second := &kongNode{}, &kongNode{}
	first := true
	slowServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			close(asked)
			<-goOn
		}
		slow.ServeHTTP(w, r)
	}))
	t.Cleanup(slowServer.Close)
	args := []string{"publish", "-config", config, "-overlay", overlay, "-node", slowServer.URL, "-node", second.start(t)}
	publish := func(errs io.Writer) <-chan int {
		done := make(chan int, 1)
		go func() { done <- run(t.Context(), streams{strings.NewReader(""), io.Discard, errs}, args) }()
		return done
	}
	older := publish(io.Discard)
	<-asked
	put(t, overlay, "consumers: [{username: erp}]", 0o600) // revoked
	said := &firstLine{written: make(chan struct{})}
	newer := publish(said)
	newerCode := -1
	select {
	case <-said.written:
	case newerCode = <-newer:
	}
	close(goOn)
	olderCode := <-older
	if newerCode < 0 {
		newerCode = <-newer
	}
	if olderCode != 0 || newerCode != 0 {
		t.Errorf("exit codes %d and %d, %s", olderCode, newerCode, said)
	}
	for name, node := range map[string]*kongNode{"slow": slow, "second": second} {
		if strings.Contains(string(node.text), "hunter2") {
			t.Errorf("the %s node has a key that was revoked: %s", name, node.text)
		}
	}
	if !strings.Contains(said.String(), "somebody else publishes a config of "+resolved(filepath.Dir(config))) {
		t.Errorf("who waits says %q", said)
	}
}

// TestPublishOfNoFolder: what is wrong with the base is said, not what is wrong with a lock.
func TestPublishOfNoFolder(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none", "kong.yaml")
	if _, errs, code := gatehouse(t, "", "publish", "-config", missing, "-node", (&kongNode{}).start(t)); code != 1 || !strings.Contains(errs, "read declarative config: ") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// otherPaths are the file at path by other names: absolute, by a link, through a folder.
func otherPaths(t *testing.T, path string) []string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "link.yaml")
	folder := filepath.Join(t.TempDir(), "folder")
	for at, to := range map[string]string{link: path, folder: filepath.Dir(path)} {
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(here, path)
	if err != nil {
		t.Fatal(err)
	}
	return []string{relative, link, filepath.Join(folder, filepath.Base(path))}
}

// TestOverlayByTwoPaths: an overlay counts once, whatever paths lead to it.
func TestOverlayByTwoPaths(t *testing.T) {
	t.Parallel()
	config, overlay := layerFiles(t)
	put(t, overlay, "plugins: [{name: correlation-id}]", 0o644)
	for _, other := range otherPaths(t, overlay) {
		out, errs, code := gatehouse(t, "", "render", "-config", config, "-overlay", overlay, "-overlay", other)
		if code != 0 || strings.Count(out, "correlation-id") != 1 {
			t.Errorf("%s: exit code %d, %s%s", other, code, errs, out)
		}
	}
}

// TestIssuersSyncByTwoPaths: round after round the keys stay, by whatever path their own
// overlay is named among the others.
func TestIssuersSyncByTwoPaths(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "kong.yaml")
	put(t, config, "_format_version: '3.0'\nconsumers: [{username: web-app}]\nplugins: [{name: trace-inject}]\n", 0o644)
	file := issuersFile(t, "https://shop.eu.auth0.com/", recordedIssuers+"auth0-jwks.json")
	out := filepath.Join(t.TempDir(), "overlay.yaml")
	for _, other := range otherPaths(t, out) {
		node := &kongNode{}
		at := node.start(t)
		for _, pair := range [][2]string{{out, other}, {other, out}} {
			for range 3 {
				code, printed, errs := runIssuers(t, "sync", "-issuers", file, "-out", pair[0], "-overlay", pair[1], "-config", config, "-node", at)
				if code != 0 || strings.Count(string(node.text), "algorithm: RS256") != 2 {
					t.Fatalf("-out %s -overlay %s: code %d, %s%s; the node has %s", pair[0], pair[1], code, printed, errs, node.text)
				}
			}
		}
		if info, err := os.Lstat(out); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v, %v", out, info, err)
		}
	}
}
