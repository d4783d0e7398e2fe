package openapi_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/bff/openapi"
)

func load(t *testing.T, text []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestContracts holds each contract to OpenAPI, and every example in it to its schema.
func TestContracts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) != 7 {
		t.Fatalf("contracts: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := load(t, text).Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestPartnersGetWhatOrdersSends: partners' contract has the schemas of the service's.
func TestPartnersGetWhatOrdersSends(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("orders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	partner := load(t, openapi.Partner).Components.Schemas
	for name, schema := range load(t, text).Components.Schemas {
		if partner[name] == nil {
			t.Errorf("partner.yaml has no schema %s", name)
			continue
		}
		if diff := cmp.Diff(asJSON(t, schema.Value), asJSON(t, partner[name].Value)); diff != "" {
			t.Errorf("%s (-orders.yaml +partner.yaml):\n%s", name, diff)
		}
	}
}

func asJSON(t *testing.T, schema *openapi3.Schema) string {
	t.Helper()
	text, err := json.MarshalIndent(schema, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExamplesAreChecked: the check above would see an example that breaks its schema.
func TestExamplesAreChecked(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(string(openapi.Mobile), "- unread\n", "- billing.internal refused the connection\n", 1)
	if broken == string(openapi.Mobile) {
		t.Fatal("there is no example of a home screen without unread")
	}
	if err := load(t, []byte(broken)).Validate(t.Context()); err == nil {
		t.Error("degraded may hold what its enum has not")
	}
}

// TestForClientTeams wants each page of the BFFs to say all that a client has to know:
// who may call it, what it answers with, in which headers, and how each degraded form of
// it and each kind of problem looks.
func TestForClientTeams(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{"web": openapi.Web, "mobile": openapi.Mobile} {
		doc := load(t, text)
		for path, item := range doc.Paths.Map() {
			op := item.Get
			if op.Security != nil || len(doc.Security) != 1 {
				t.Errorf("%s %s: not for the one who bears a token, and nobody else", name, path)
			}
			ok := op.Responses.Status(200).Value
			if missing := lacks(ok.Headers, "Cache-Control", "RateLimit", "RateLimit-Policy", "X-Trace-Id"); len(missing) > 0 {
				t.Errorf("%s %s: 200 has no headers %v", name, path, missing)
			}
			failed := op.Responses.Default().Value
			if missing := lacks(failed.Headers, "Retry-After", "RateLimit", "RateLimit-Policy", "X-Trace-Id"); len(missing) > 0 {
				t.Errorf("%s %s: problems have no headers %v", name, path, missing)
			}
			wantProblems(t, name+" "+path, failed.Content["application/problem+json"])
			wantDegraded(t, name+" "+path, ok.Content["application/json"])
		}
	}
}

func lacks(headers openapi3.Headers, names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return headers[name] != nil })
}

func wantProblems(t *testing.T, page string, media *openapi3.MediaType) {
	t.Helper()
	seen := make(map[float64]bool)
	for _, example := range media.Examples {
		seen[example.Value.Value.(map[string]any)["status"].(float64)] = true
	}
	for _, status := range []float64{400, 401, 404, 405, 429, 502, 503, 504} {
		if !seen[status] {
			t.Errorf("%s: no example of a problem with status %v", page, status)
		}
	}
}

// wantDegraded wants an example in which each part is missing, alone and with all others.
func wantDegraded(t *testing.T, page string, media *openapi3.MediaType) {
	t.Helper()
	if len(media.Examples) == 0 {
		t.Errorf("%s: no example", page)
	}
	degraded := media.Schema.Value.Properties["degraded"]
	if degraded == nil {
		return // it needs all its parts
	}
	parts := degraded.Value.Items.Value.Enum
	if len(parts) == 0 {
		t.Errorf("%s: degraded is no enum", page)
	}
	want := append([]any{parts}, parts...)
	for _, example := range media.Examples {
		missing, _ := example.Value.Value.(map[string]any)["degraded"].([]any)
		want = slices.DeleteFunc(want, func(w any) bool {
			all, several := w.([]any)
			return len(missing) == 1 && missing[0] == w || several && slices.Equal(missing, all)
		})
	}
	if len(want) > 0 {
		t.Errorf("%s: no example that is degraded by %v", page, want)
	}
}
