// Command configreference writes the field references of the plugins' pages, from the
// schemas that Kong gets.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/configreference"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

//go:generate go run . ../../../docs/plugins

// plugins have a page each, of their name. A schema needs no more of them.
var plugins = []pluginserver.Plugin{
	{Name: tenantratelimit.Name, Version: tenantratelimit.Version, New: func() any { return new(tenantratelimit.Config) }},
	{Name: piilogscrub.Name, Version: piilogscrub.Version, New: func() any { return new(piilogscrub.Config) }},
	{Name: sunsetheaders.Name, Version: sunsetheaders.Version, New: func() any { return new(sunsetheaders.Config) }},
	{Name: traceinject.Name, Version: traceinject.Version, New: func() any { return new(traceinject.Config) }},
	{Name: apiversion.Name, Version: apiversion.Version, New: func() any { return new(apiversion.Config) }},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: configreference FOLDER")
		os.Exit(2)
	}
	for _, p := range plugins {
		if err := write(p, filepath.Join(os.Args[1], p.Name+".md")); err != nil {
			fmt.Fprintf(os.Stderr, "configreference: %s: %v\n", p.Name, err)
			os.Exit(1)
		}
	}
}

func write(p pluginserver.Plugin, path string) error {
	dump, err := pluginserver.Info(p)
	if err != nil {
		return err
	}
	info, err := schema.ParseInfo(dump)
	if err != nil {
		return err
	}
	reference, err := configreference.Markdown(info.Schema.Config())
	if err != nil {
		return err
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	text, err := configreference.Into(string(page), reference)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, []byte(text), 0o644)
}
