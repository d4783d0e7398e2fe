package main

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
)

// tracked are the files of the commit.
func tracked(ctx context.Context, root string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "git", "ls-files")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask git for the files: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// link is one of Markdown's to a place: of an image or of a text, without its anchor.
var link = regexp.MustCompile(`\]\(([^)\s#]+)`)

// documents are README.md, the pages of docs, and all files that those lead to, and what those
// lead to: in an archive, too, each link has to lead somewhere.
func documents(all []string, read func(name string) ([]byte, error)) ([]string, error) {
	taken := map[string]bool{}
	var list []string
	take := func(names ...string) {
		for _, name := range names {
			if !taken[name] {
				taken[name] = true
				list = append(list, name)
			}
		}
	}
	take("README.md")
	for _, name := range all {
		if path.Dir(name) == "docs" && path.Ext(name) == ".md" || strings.HasPrefix(name, "docs/") && strings.Count(name, "/") > 1 {
			take(name)
		}
	}
	for i := 0; i < len(list); i++ { // it grows
		if path.Ext(list[i]) != ".md" {
			continue
		}
		text, err := read(list[i])
		if err != nil {
			return nil, err
		}
		for _, found := range link.FindAllSubmatch(text, -1) {
			if to := string(found[1]); !strings.Contains(to, ":") {
				take(at(all, path.Join(path.Dir(list[i]), to))...)
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

// at is the file of a name, or all files of the folder.
func at(all []string, name string) (list []string) {
	for _, file := range all {
		if file == name || strings.HasPrefix(file, name+"/") {
			list = append(list, file)
		}
	}
	return list
}
