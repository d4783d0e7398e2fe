package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/markdown"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// TestPluginPages: the page of each plugin tells of it under the same headings, and the check
// has nothing against its examples. That gateways load them is for e2e's TestPluginPagesLoad.
func TestPluginPages(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	t.Setenv("GATEHOUSE_LOG_PLUGINS", "")
	checker, err := newChecker(configcheck.Options{Now: time.Date(2026, time.November, 30, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	for _, plugin := range []string{"tenant-rate-limit", "pii-log-scrub", "sunset-headers", "trace-inject", "api-version"} {
		doc, err := markdown.Read(filepath.Join("../../../docs/plugins", plugin+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, heading := range []string{plugin, "examples", "when-things-fail", "metrics", "cost", "fields"} {
			if !doc.Anchors[heading] {
				t.Errorf("the page of %s has nothing under #%s", plugin, heading)
			}
		}
		examples := doc.In("yaml")
		if len(examples) == 0 {
			t.Errorf("the page of %s has no example", plugin)
		}
		for i, example := range examples {
			name := fmt.Sprintf("%s, example %d", plugin, i+1)
			for _, f := range checker.CheckFiles(kongyaml.File{Name: name, Text: []byte(example.Text)}).Findings {
				if f.Severity != configcheck.Info {
					t.Error(findingLine(f))
				}
			}
		}
	}
}
