package markdown

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = "# What `gatehouse check` says: 3 things\n\n" +
	"Read [the page](a.md#b \"title\") and ![a picture](b.svg). It has `two words` and 3.9 in it;\nthe rest is here.\n\n" +
	"## The rest\n\n- One entry. Two.\n\n```sh\nmake\n```\n\n## The rest\n\n" +
	"| a | b |\n|---|---|\n| in a cell | `x` [y](z.md) |\n\n```yaml\na: 1\n```\n\n    [no](link.md)\n"

func TestParse(t *testing.T) {
	t.Parallel()
	got := Parse([]byte(sample))
	want := &Document{
		Blocks:  []Block{{"sh", "the-rest", "make\n"}, {"yaml", "the-rest-1", "a: 1\n"}},
		Links:   []string{"a.md#b", "b.svg", "z.md"},
		Anchors: map[string]bool{"what-gatehouse-check-says-3-things": true, "the-rest": true, "the-rest-1": true},
		Prose: []string{
			"Read the page and a picture. It has code and 3.9 in it; the rest is here.",
			"One entry. Two.", "a", "b", "in a cell", "code y",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := got.In("sh"); len(got) != 1 || got[0].Text != "make\n" {
		t.Errorf("blocks of sh: %v", got)
	}
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"# Client → gateway → service: headers": "client--gateway--service-headers",
		"# nginx's lines":                     "nginxs-lines",
		"# `local`":                           "local",
		"# Größe_2, klein":                    "größe_2-klein",
		"# [A link](x.md) in it":              "a-link-in-it",
		"<a id=\"set-by-hand\"></a>**Bold.**": "set-by-hand",
	}
	for source, want := range tests {
		if got := slices.Collect(maps.Keys(Parse([]byte(source)).Anchors)); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	doc := Document{Prose: []string{
		"Kong 3.9 is old. It works (as ever). Is it? Yes; more: this",
		`He said "no." And left.`,
	}}
	want := []string{"Kong 3.9 is old.", "It works (as ever).", "Is it?", "Yes;", "more:", "this", `He said "no."`, "And left."}
	if diff := cmp.Diff(want, doc.Sentences()); diff != "" {
		t.Error(diff)
	}
	if got := Words("Kong 3.9 is old."); got != 4 {
		t.Errorf("%d words, want 4", got)
	}
	if got := Words("Write code, code and code, or none."); got != 4 {
		t.Errorf("%d words with a list of names, want 4", got)
	}
}
