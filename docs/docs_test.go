// Package docs holds the documents to the truth: links lead somewhere, commands exist and are
// run, and sentences are short.
package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// TestLinks follows each relative link of each document, anchors included.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := documents(t)
	for name, doc := range all {
		for _, link := range doc.Links {
			if why := broken(t, all, name, link); why != "" {
				t.Errorf("%s: the link to %s %s", name, link, why)
			}
		}
	}
}

// broken says what is wrong with a link; nothing if it leads out of the repository.
func broken(t *testing.T, all map[string]*markdown.Document, from, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		return err.Error()
	}
	if u.IsAbs() {
		return ""
	}
	to := from
	if u.Path != "" {
		to = filepath.Join(filepath.Dir(from), filepath.FromSlash(u.Path))
	}
	if _, err := os.Stat(filepath.Join("..", to)); err != nil {
		return "leads to no file"
	}
	if u.Fragment != "" && (all[to] == nil || !all[to].Anchors[u.Fragment]) {
		return "leads to no heading"
	}
	return ""
}

// maxWords is how long a sentence may be. Half of all have no more than six words.
const maxWords = 40

// TestSentencesAreShort looks at README.md, at what is for people who work here, and at all
// of docs. A changelog's lines are no prose.
func TestSentencesAreShort(t *testing.T) {
	t.Parallel()
	for name, doc := range documents(t) {
		if filepath.Base(name) == "CHANGELOG.md" {
			continue
		}
		for _, sentence := range doc.Sentences() {
			if n := markdown.Words(sentence); n > maxWords {
				t.Errorf("%s: a sentence of %d words, %d at most: %s", name, n, maxWords, sentence)
			}
		}
	}
}

// documents are all of the repository, by their path in it.
func documents(t *testing.T) map[string]*markdown.Document {
	t.Helper()
	all := map[string]*markdown.Document{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != ".." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"testdata", "bin", "dist"}, entry.Name())) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		doc, err := markdown.Read(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", path)
		all[name] = doc
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d documents: %v", len(all), all)
	}
	return all
}
