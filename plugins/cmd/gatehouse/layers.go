package main

import (
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// layers are a base config and what goes over it.
type layers struct {
	config   string
	overlays []string
}

func (l *layers) addFlags(flags *flag.FlagSet) {
	flags.StringVar(&l.config, "config", "", "declarative config, in YAML or JSON")
	flags.Func("overlay", "file that goes over -config; may be given several times, the later over the earlier", add(&l.overlays))
}

func add(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

var errNoConfig = fmt.Errorf("%w: name the declarative config with -config", errUsage)

// without are the layers without an overlay, by whatever path it is named.
func (l *layers) without(overlay string) layers {
	return layers{l.config, slices.DeleteFunc(slices.Clone(l.overlays), func(path string) bool { return sameFile(path, overlay) })}
}

// merge is the base config with the overlays, each of which counts once: a plugin of one
// that is named twice would be there twice.
func (l *layers) merge(secrets *kongsecret.Finder) (kongyaml.File, error) {
	if l.config == "" {
		return kongyaml.File{}, errNoConfig
	}
	base, err := read(l.config)
	if err != nil {
		return base, err
	}
	var seen []string
	var overlays []kongyaml.File
	for _, path := range l.overlays {
		if slices.ContainsFunc(seen, func(before string) bool { return sameFile(before, path) }) {
			continue
		}
		seen = append(seen, path)
		overlay, err := readOverlay(path, secrets)
		if err != nil {
			return overlay, err
		}
		overlays = append(overlays, overlay)
	}
	text, err := kongyaml.Merge(base, overlays...)
	return kongyaml.File{Name: l.config, Text: text}, err
}

func read(path string) (kongyaml.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return kongyaml.File{}, fmt.Errorf("read declarative config: %w", err)
	}
	return kongyaml.File{Name: path, Text: text}, nil
}

// readOverlay reads what goes over a config. One that holds secrets is its owner's alone.
func readOverlay(path string, secrets *kongsecret.Finder) (kongyaml.File, error) {
	overlay, err := read(path)
	if err != nil {
		return overlay, err
	}
	if values, err := secrets.Values(overlay); err != nil || len(values) == 0 {
		return overlay, err
	}
	overlay.Text, err = kongyaml.ReadOverlay(path)
	return overlay, err
}
