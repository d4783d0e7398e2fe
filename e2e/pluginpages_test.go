package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// inVault is a secret of an example. The dev gateway has no vault.
var inVault = regexp.MustCompile(`\{vault://[^}]*\}`)

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
				config := example.Text
				if gate.fileLog == "" {
					config = inVault.ReplaceAllString(config, strings.Repeat("k", 32))
				}
				postConfig(t, []byte(config)).wantStatus(t, http.StatusCreated)
			})
		}
	}
}
