package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// layers are a base config and what goes over it.
type layers struct {
	config   string
	overlays []string
	// in is read where config is "-"; nil where that is a file's name.
	in io.Reader
}

func (l *layers) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&l.config, "config", "", "declarative config, a `FILE` in YAML or JSON")
	flags.Func("overlay", "`FILE` that goes over --config; may be given several times, the later over the earlier", add(&l.overlays))
}

func add(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

var errNoConfig = cli.Usagef("name the declarative config with --config")

// without are the layers without an overlay, by whatever path it is named.
func (l *layers) without(overlay string) layers {
	return layers{config: l.config, overlays: slices.DeleteFunc(slices.Clone(l.overlays), func(path string) bool { return sameFile(path, overlay) })}
}

// merge is the base config with the overlays, as Kong gets it.
func (l *layers) merge(secrets *kongsecret.Finder) (kongyaml.File, error) {
	document, err := l.layer(secrets)
	if err != nil {
		return kongyaml.File{}, err
	}
	text, err := document.Text()
	return kongyaml.File{Name: l.config, Text: text}, err
}

// layer puts the overlays over the base config.
func (l *layers) layer(secrets *kongsecret.Finder) (*kongyaml.Document, error) {
	base, overlays, err := l.read(secrets)
	if err != nil {
		return nil, err
	}
	return kongyaml.Layer(base, overlays...)
}

// read reads the base config and the overlays, each of which counts once: a plugin of one
// that is named twice would be there twice.
func (l *layers) read(secrets *kongsecret.Finder) (base kongyaml.File, overlays []kongyaml.File, err error) {
	if l.config == "" {
		return base, nil, errNoConfig
	}
	if base, err = l.readBase(); err != nil {
		return base, nil, err
	}
	var seen []string
	for _, path := range l.overlays {
		if slices.ContainsFunc(seen, func(before string) bool { return sameFile(before, path) }) {
			continue
		}
		seen = append(seen, path)
		overlay, err := readOverlay(path, secrets)
		if err != nil {
			return base, nil, err
		}
		overlays = append(overlays, overlay)
	}
	return base, overlays, nil
}

// fromStandardInput is what stands for a file that comes from there.
const fromStandardInput = "-"

func (l *layers) readBase() (kongyaml.File, error) {
	if l.config != fromStandardInput || l.in == nil {
		return read(l.config)
	}
	text, err := io.ReadAll(l.in)
	if err != nil {
		return kongyaml.File{}, fmt.Errorf("read standard input: %w", err)
	}
	return kongyaml.File{Name: "<stdin>", Text: text}, nil
}

// toRead says what to do about a file that cannot be read.
func toRead(err error) string {
	switch {
	case errors.Is(err, syscall.EISDIR):
		return "name the files in it"
	case errors.Is(err, fs.ErrPermission):
		return "let this user read it"
	default:
		return "name a file that is there"
	}
}

func read(path string) (kongyaml.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return kongyaml.File{}, fmt.Errorf("read declarative config: %w; %s", err, toRead(err))
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
