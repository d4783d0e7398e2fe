package scrub

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// TestBodiesPage: what the page of bodies has in Go is what runs as an example.
func TestBodiesPage(t *testing.T) {
	t.Parallel()
	page, err := markdown.Read("../../../docs/bodies.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := page.In("go")
	if len(blocks) == 0 {
		t.Fatal("the page has no example")
	}
	for _, block := range blocks {
		if !strings.Contains(string(example), block.Text) {
			t.Errorf("this runs nowhere:\n%s", block.Text)
		}
	}
}

// TestScrubPage: the documents name each rule that a finding can be by.
func TestScrubPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/scrubbing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range ruleNames {
		if !strings.Contains(string(text), "`"+rule+"`") {
			t.Errorf("the rule %s is not there", rule)
		}
	}
}
