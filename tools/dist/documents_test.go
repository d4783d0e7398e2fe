package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"README.md":      "[a](docs/a.md#part) [others](https://example.com/x.md) [here](#part)",
		"docs/a.md":      "[conf](../deploy/x.conf), [folder](../deploy/rules)",
		"docs/adr/1.md":  "[code](../../src/b.md)",
		"docs/a_test.go": "package docs",
		"deploy/x.conf":  "", "deploy/rules/1": "", "deploy/rules/2/3": "", "deploy/rules2": "",
		"src/b.md": "[c](c.go)", "src/c.go": "", "src/d.go": "",
	}
	var all []string
	for name := range texts {
		all = append(all, name)
	}
	got, err := documents(all, func(name string) ([]byte, error) { return []byte(texts[name]), nil })
	want := "README.md deploy/rules/1 deploy/rules/2/3 deploy/x.conf docs/a.md docs/adr/1.md src/b.md src/c.go"
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("%q, error %v; want %q", got, err, want)
	}
}

// TestArchiveIsWhole: each link of a document in the archive leads to what is there, and so
// does what nginx includes.
func TestArchiveIsWhole(t *testing.T) {
	t.Parallel()
	files, err := beside(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for name, from := range files {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, found := range regexp.MustCompile(`\]\(([^):\s]+)\)`).FindAllSubmatch(read(t, from), -1) {
			to, _, _ := strings.Cut(string(found[1]), "#")
			to = path.Join(path.Dir(name), to)
			_, isFile := files[to]
			isFolder := slices.ContainsFunc(keys(files), func(other string) bool { return strings.HasPrefix(other, to+"/") })
			if links++; !isFile && !isFolder && string(found[1])[0] != '#' {
				t.Errorf("%s leads to %s, which is not in the archive", name, found[1])
			}
		}
	}
	if links < 300 {
		t.Errorf("only %d links were looked at", links)
	}
	conf, err := filepath.Glob("../../deploy/kong/*.conf")
	if err != nil || len(conf) == 0 {
		t.Fatal(conf, err)
	}
	for _, file := range append(conf, "../../deploy/kong/problem.json") {
		if _, is := files["kong/"+filepath.Base(file)]; !is {
			t.Errorf("%s is not in the archive", file)
		}
	}
	for _, from := range files {
		if _, err := os.Stat(from); err != nil {
			t.Error(err)
		}
	}
}

func keys(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	return names
}
