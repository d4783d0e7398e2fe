package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/release/configdiff"
)

func releasePlanCommand(s streams) *cobra.Command {
	var r releasing
	c := plain("plan", "say what a release would change, against what really runs", func(ctx context.Context) error { return r.plan(ctx, s) })
	r.addFlags(c.Flags())
	return c
}

// plan says what a release would change, against what really runs.
func (r *releasing) plan(ctx context.Context, s streams) error {
	o, err := r.opened(ctx)
	if err != nil {
		return err
	}
	next, err := r.next(s)
	if err != nil {
		return err
	}
	hashes, err := o.running(ctx)
	if err != nil {
		return err
	}
	for i, hash := range hashes {
		if slices.Contains(hashes[:i], hash) {
			continue
		}
		for j, n := range o.nodes {
			if hashes[j] == hash {
				fmt.Fprintf(s.out, "%s runs %s\n", n, hash)
			}
		}
		changes, err := next.changes(ctx, o.nodes[i])
		if err != nil {
			return err
		}
		printChanges(s.out, hash, next.hash, changes)
	}
	return nil
}

// nextConfig is the config that is to be released.
type nextConfig struct {
	configdiff.Config
	hash    string
	secrets *kongsecret.Finder
}

// next merges and checks the config.
func (r *releasing) next(s streams) (*nextConfig, error) {
	checker, err := r.knowing()
	if err != nil {
		return nil, err
	}
	secrets := checker.Secrets()
	document, err := r.layer(secrets)
	if err != nil {
		return nil, err
	}
	if report := checker.Check(document); !clean(s.err, report) {
		return nil, errors.New("no node was asked: the config has mistakes")
	}
	text, err := document.Text()
	if err != nil {
		return nil, err
	}
	merged := kongyaml.File{Name: r.config, Text: text}
	config, err := shown(secrets, merged)
	return &nextConfig{config, kongadmin.Hash(text), secrets}, err
}

// shown is a config with what may be printed of it.
func shown(secrets *kongsecret.Finder, config kongyaml.File) (configdiff.Config, error) {
	hidden, err := secrets.Hide(config)
	return configdiff.Config{File: config, Shown: hidden}, err
}

// changes are those from what a node runs, by its own word.
func (c *nextConfig) changes(ctx context.Context, n *kongadmin.Node) ([]configdiff.Change, error) {
	text, err := n.Export(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: ask what it runs: %w", n, err)
	}
	return changesFrom(ctx, n, c.secrets, text, c.Config)
}

func changesFrom(ctx context.Context, n *kongadmin.Node, secrets *kongsecret.Finder, exported []byte, after configdiff.Config) ([]configdiff.Change, error) {
	before, err := shown(secrets, kongyaml.File{Name: "the config of " + n.String(), Text: exported})
	if err != nil {
		return nil, err
	}
	shapes, err := shapesOf(ctx, n, before, after)
	if err != nil {
		return nil, err
	}
	return configdiff.Compare(before, after, shapes)
}

// shapesOf asks a node what it fills in, of each kind of entities that two configs have.
func shapesOf(ctx context.Context, n *kongadmin.Node, configs ...configdiff.Config) (map[string]*configdiff.Shape, error) {
	shapes := map[string]*configdiff.Shape{}
	for _, config := range configs {
		kinds, err := configdiff.Kinds(config)
		if err != nil {
			return nil, err
		}
		for _, kind := range kinds {
			if _, asked := shapes[kind]; asked {
				continue
			}
			text, err := n.Schema(ctx, kind)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", n, err)
			}
			shapes[kind] = nil
			if text == nil {
				continue
			}
			if shapes[kind], err = configdiff.ParseShape(text); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", n, kind, err)
			}
		}
	}
	return shapes, nil
}

// printChanges writes a plan as a person reads it.
func printChanges(w io.Writer, from, to string, changes []configdiff.Change) {
	if from == to {
		fmt.Fprintln(w, "  nothing changes: it runs this config")
		return
	}
	if len(changes) == 0 {
		fmt.Fprintf(w, "  nothing changes but the text: %s is the same config in other words\n", to)
	}
	for _, c := range changes {
		fmt.Fprintf(w, "%s %s %s\n    for: %s\n", c.Verb, c.Kind, c.Name, c.For)
		for _, line := range c.Lines {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
	fmt.Fprintf(w, "%d changes, from %s to %s\n", len(changes), from, to)
	if len(changes) > 0 && configdiff.CredentialsOnly(changes) {
		fmt.Fprintln(w, "credentials alone: peak hours do not matter")
	}
}
