package docs

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// heading is a part of the changelog: of a release, with its day, or what comes next.
var heading = regexp.MustCompile(`(?m)^## (?:(Unreleased)|(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\))$`)

// TestChangelog: what comes next is first, releases are below it with the last one first, and
// none is above the version that programs say.
func TestChangelog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	number, err := os.ReadFile("../internal/version/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if all, known := strings.Count("\n"+string(text), "\n## "), heading.FindAllStringSubmatch(string(text), -1); len(known) != all || known[0][1] == "" {
		t.Fatalf("%d of %d headings are of a release or the first one: %q", len(known), all, known)
	}
	last := strings.TrimSpace(string(number))
	for i, found := range heading.FindAllStringSubmatch(string(text), -1)[1:] {
		version := found[2]
		if order := slices.Compare(parts(t, version), parts(t, last)); order > 0 || order == 0 && i > 0 {
			t.Errorf("%s comes after %s", version, last)
		}
		last = version
	}
	kinds := []string{"[CHANGE]", "[FEATURE]", "[ENHANCEMENT]", "[BUGFIX]"}
	for line := range strings.Lines(string(text)) {
		if entry, is := strings.CutPrefix(line, "- "); is && !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(entry, kind+" ") }) {
			t.Errorf("no kind begins: %s", line)
		}
	}
}

// parts are the numbers of a version.
func parts(t *testing.T, version string) (list []int) {
	t.Helper()
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}
