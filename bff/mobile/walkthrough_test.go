package mobile

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestWalkThrough: who copies a line of docs/bff.md's "Add a section" copies the tree's.
func TestWalkThrough(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	_, section, _ := strings.Cut(read("../../docs/bff.md"), "\n## Add a section\n")
	section, _, _ = strings.Cut(section, "\n## ")
	steps := regexp.MustCompile("(?s)`(bff/mobile/[a-z_]+\\.go|bff/openapi/mobile\\.yaml)`[^`]*.*?```diff\n(.*?)```").FindAllStringSubmatch(section, -1)
	if len(steps) != 4 {
		t.Fatalf("%d steps with code, want 4", len(steps))
	}
	for _, step := range steps {
		file, shown := step[1], strings.ReplaceAll("\n"+strings.TrimSpace(step[2])+"\n", "\n   +", "\n")
		shown = strings.TrimPrefix(shown, "\n+")
		if !strings.Contains(read("../../"+file), shown) {
			t.Errorf("%s has no\n%s", file, shown)
		}
	}
}
