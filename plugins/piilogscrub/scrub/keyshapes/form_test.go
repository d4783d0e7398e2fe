package main

import (
	"strings"
	"testing"
)

func TestParseForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"AKIA{upper 16}":         `"AKIA", []keyPart{{ofUpper, 16, 16, ""}}`,
		"glpat-{word 20+}":       `"glpat-", []keyPart{{ofWord, 20, 0, ""}}`,
		"{hex 32}-us{digit 1-2}": `"", []keyPart{{ofHex, 32, 32, "-us"}, {ofDigit, 1, 2, ""}}`,
		"pat-na1-{uuid}":         `"pat-na1-", []keyPart{{ofUUID, 36, 36, ""}}`,
		"hooks/{behind 12}":      `"hooks/", []keyPart{{ofBehind, 12, 0, ""}}`,
	} {
		f, err := parseForm(in)
		if got := f.code(); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	good := []string{"AKIA{upper 16}", "Amazon", "https://example.com", "2026-11-30"}
	for name, tt := range map[string]struct {
		column int
		value  string
		want   string
	}{
		"no braces":        {0, "AKIA", "in braces"},
		"brace left open":  {0, "AKIA{upper 16", "close the brace"},
		"alphabet":         {0, "AKIA{Upper 16}", `"Upper" is no alphabet`},
		"no size":          {0, "AKIA{upper}", "how many bytes"},
		"size of nothing":  {0, "AKIA{upper 0}", "how many bytes"},
		"range backwards":  {0, "AKIA{upper 6-5}", "how many bytes"},
		"source":           {2, "http://example.com", "with https"},
		"day":              {3, "30.11.2026", "2026-11-30"},
		"second part":      {0, "a{hex 1}.{x 1}", `"x" is no alphabet`},
		"number and words": {0, "a{hex many}", "how many bytes"},
	} {
		row := append([]string(nil), good...)
		row[tt.column] = tt.value
		_, err := table([][]string{{"form", "issuer", "source", "since"}, row})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tt.want)
		}
	}
	if _, err := table([][]string{nil, good}); err != nil {
		t.Error(err)
	}
}
