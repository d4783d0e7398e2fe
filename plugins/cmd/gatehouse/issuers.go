package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/issuers"
)

// issuerKeys is about the keys of token issuers.
func issuerKeys(ctx context.Context, s streams, args []string) error {
	if len(args) == 0 || args[0] != "sync" {
		return fmt.Errorf("%w: gatehouse issuers sync [flags]", errUsage)
	}
	return syncIssuers(ctx, s, args[1:])
}

// syncIssuers writes the keys of issuers as an overlay, and puts it on nodes where some
// are named: once, or every so long until it is stopped. Once, it fails if an issuer
// could not be read, with the keys of the last good reading written.
func syncIssuers(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "issuers sync")
	file := flags.String("issuers", "", "YAML or JSON file of the issuers")
	out := flags.String("out", "", "overlay to write, which is also what is remembered of them")
	every := flags.Duration("every", 0, "time between two rounds, a tenth more or less; 0: one round")
	if handled, err := parse(flags, args); handled {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	if *file == "" || *out == "" {
		return fmt.Errorf("%w: gatehouse issuers sync -issuers FILE -out OVERLAY [flags]; see %s -h", errUsage, flags.Name())
	}
	if *every != 0 && *every < time.Second {
		return fmt.Errorf("-every %v: write a time such as 5m, 1s at least", *every)
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return fmt.Errorf("read issuers: %w", err)
	}
	list, err := issuers.ParseFile(text)
	if err != nil {
		return fmt.Errorf("read issuers %s: %w", *file, err)
	}
	syncer := &issuers.Syncer{
		Issuers: list, Store: overlayFile(*out),
		Taken:   func() (map[string]string, error) { return nil, nil },
		Publish: func(context.Context) error { return nil },
		Say:     func(line string) { fmt.Fprintln(s.err, "gatehouse:", line) },
	}
	if *every > 0 {
		syncer.Run(ctx, *every)
		return nil
	}
	failed, err := syncer.Round(ctx)
	if err == nil && failed > 0 {
		return exitCode(1) // each has its line
	}
	return err
}

// overlayFile keeps an overlay in the file of that name.
type overlayFile string

// Load implements [issuers.Store].
func (f overlayFile) Load() ([]byte, error) {
	text, err := kongyaml.ReadOverlay(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Save implements [issuers.Store].
func (f overlayFile) Save(overlay []byte) error { return kongyaml.WriteOverlay(string(f), overlay) }
