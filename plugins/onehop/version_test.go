package onehop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/onehop"
)

// TestNoAcceptableVersion: the answer is the rewrite phase's, with the trace's header, and
// the request has its audit record when its access line comes.
func TestNoAcceptableVersion(t *testing.T) {
	t.Parallel()
	const id = "6b3f0a1c2d4e5f60718293a4b5c6d7e8"
	s := withoutHeaders
	s.version = versions
	for accept, want := range map[string]struct {
		status int
		word   string
	}{
		"text/html":               {http.StatusNotAcceptable, `"api-version":"not_acceptable"`},
		"application/vnd.v1+json": {0, `"api-version":"v1"`},
	} {
		p := newProcess(t, s)
		p.options.AccessLines = true
		config := p.oneHop(t)
		o, _, _ := run(t, header(served(), "Accept", accept), true, config.Rewrite, config.Access)
		if o.Status != want.status || o.Response.Get("Vary") != "Accept" || o.Response.Get("X-Trace-Id") == "" {
			t.Errorf("%s: status %d, headers %v", accept, o.Status, o.Response)
		}
		if !p.runtime.Ended(line(t, id)) {
			t.Errorf("%s: nobody knows of the request", accept)
		}
		if !strings.Contains(p.audit.String(), want.word) {
			t.Errorf("%s: no %s in %s", accept, want.word, p.audit.String())
		}
	}
}

// TestVersionsWithoutMediaTypes: Accept refuses none, and the client's header chooses.
func TestVersionsWithoutMediaTypes(t *testing.T) {
	t.Parallel()
	s := withoutHeaders
	s.version = `{"request_header":"X-API-Version","apis":[{"path":"/","default":"v2","versions":[{"name":"v1"},{"name":"v2"}]}]}`
	for asked, want := range map[string]string{"": "v2", "1": "v1"} {
		req := header(header(served(), "Accept", "text/html"), "X-Api-Version", asked)
		o, _, _ := run(t, req, true, newProcess(t, s).oneHop(t).Rewrite)
		if o.Status != 0 || o.Response.Get("Vary") != "X-API-Version" || o.Upstream.Get("X-Gatehouse-Version") != want {
			t.Errorf("%q: status %d, headers %v and %v", asked, o.Status, o.Response, o.Upstream)
		}
	}
}

// TestVersionsAreForAll: on a route the section would never run, which is a mistake.
func TestVersionsAreForAll(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{version: versions})
	config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
	config.Run, config.APIVersion, config.RouteID = []string{"api_version"}, p.version, "r1"
	if err := config.Provision(); err == nil || !strings.Contains(err.Error(), "api_version: the plugin is of a route") {
		t.Errorf("error %v", err)
	}
}
