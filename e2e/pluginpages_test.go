package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// TestPluginPagesLoad posts each example of the plugins' pages to the gateway. Its services
// need not be there.
func TestPluginPagesLoad(t *testing.T) {
	pages, err := filepath.Glob("../docs/plugins/*.md")
	if err != nil || len(pages) < 4 {
		t.Fatalf("%d pages of plugins, %v", len(pages), err)
	}
	defer func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }()
	for _, page := range pages {
		doc, err := markdown.Read(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, example := range doc.In("yaml") {
			name := strings.TrimSuffix(filepath.Base(page), ".md")
			t.Run(fmt.Sprintf("%s/%d", name, i+1), func(t *testing.T) {
				config := []byte(example.Text)
				if gate.fileLog == "" && gate.bin != "" {
					config = forDevGateway(t, example.Text)
				}
				postConfig(t, config).wantStatus(t, http.StatusCreated)
			})
		}
	}
}

// inVault is a secret that is in a vault.
var inVault = regexp.MustCompile(`\{vault://[^}]*\}`)

// forDevGateway is an example without what the dev gateway says that it has not: vaults, and
// services that are reached past an upstream.
func forDevGateway(t *testing.T, example string) []byte {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal([]byte(inVault.ReplaceAllString(example, strings.Repeat("k", 32))), &config); err != nil {
		t.Fatal(err)
	}
	services, _ := config["services"].([]any)
	for _, s := range services {
		service := s.(map[string]any)
		at, err := url.Parse(service["url"].(string))
		if err != nil {
			t.Fatal(err)
		}
		delete(service, "url")
		service["host"] = at.Hostname()
		if at.Path != "" {
			service["path"] = at.Path
		}
		config["upstreams"] = []any{map[string]any{"name": at.Hostname(), "targets": []any{map[string]any{"target": "127.0.0.1:" + at.Port()}}}}
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
