package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/plugins/issuers"
)

// issuerKeys is about the keys of token issuers.
func issuerKeys(ctx context.Context, s streams, args []string) error {
	if len(args) == 0 || args[0] != "sync" {
		return fmt.Errorf("%w: gatehouse issuers sync [flags]", errUsage)
	}
	return syncIssuers(ctx, s, args[1:])
}

// syncIssuers writes the keys of issuers as an overlay, and puts the config with it on
// nodes where some are named: once, or every so long until it is stopped. Once, it fails
// if an issuer could not be read, with the keys of the last good reading in the overlay.
func syncIssuers(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "issuers sync")
	var p publishing
	p.addFlags(flags)
	file := flags.String("issuers", "", "YAML or JSON file of the issuers")
	out := flags.String("out", "", "overlay to write, which is also what is remembered of them")
	every := flags.Duration("every", 0, "time between two rounds, a tenth more or less; 0: one round")
	onlyChanges := flags.Bool("only-changes", false, "put the config on the nodes where keys have changed since the overlay was there, and not in every round: what is put there otherwise stays, and so does what a node that is started anew begins with")
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
	if len(p.nodes) > 0 && p.config == "" {
		return fmt.Errorf("%w: -node takes a whole config: name the declarative config with -config", errUsage)
	}
	list, err := readIssuers(*file)
	if err != nil {
		return err
	}
	syncer := p.syncer(s, list, *out)
	syncer.OnlyChanges = *onlyChanges
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

func readIssuers(path string) ([]issuers.Issuer, error) {
	text, err := regularfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read issuers: %w", err)
	}
	list, err := issuers.ParseFile(text)
	if err != nil {
		return nil, fmt.Errorf("read issuers %s: %w", path, err)
	}
	return list, nil
}

// syncer keeps an overlay that goes over the others.
func (p *publishing) syncer(s streams, list []issuers.Issuer, out string) *issuers.Syncer {
	out = resolved(out) // what is written takes no link's place
	p.credentials = true
	p.overlays = append(p.overlays, out) // where it is named, that is its place
	return &issuers.Syncer{
		Issuers: list,
		Store:   overlayFile(out),
		Taken:   func() (map[string]string, error) { return p.takenKeys(list, out) },
		Publish: p.keysPublisher(s, out),
		Say:     func(line string) { fmt.Fprintln(s.err, "gatehouse:", line) },
	}
}

// takenKeys are what Kong finds the other credentials of a config by. It is an error if the
// config lacks the consumer of an issuer.
func (p *publishing) takenKeys(list []issuers.Issuer, out string) (map[string]string, error) {
	if p.config == "" {
		return nil, nil
	}
	others, known, err := p.beside(out)
	if err != nil {
		return nil, err
	}
	var missing []error
	for _, issuer := range list {
		if !slices.Contains(known, issuer.Consumer) {
			missing = append(missing, fmt.Errorf("issuer %s: there is no consumer %q in %s%s: write one that is there, or add it there first",
				issuer.ISS, issuer.Consumer, p.config, nearMiss(known, issuer.Consumer)))
		}
	}
	if missing != nil {
		return nil, errors.Join(missing...)
	}
	return issuers.Taken(others.Text)
}

// nearMiss names what differs from a name in case only: names are compared exactly.
func nearMiss(known []string, name string) string {
	if at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) }); at >= 0 {
		return fmt.Sprintf(", and %q is another", known[at])
	}
	return ""
}

// keysPublisher puts the config on the nodes. What it has to say is said where it is not
// what it said the last time.
func (p *publishing) keysPublisher(s streams, out string) func(context.Context) error {
	var lastOut, lastErr string
	return func(ctx context.Context) error {
		if len(p.nodes) == 0 {
			return nil
		}
		var stdout, stderr bytes.Buffer
		err := p.publish(ctx, streams{s.in, &stdout, &stderr})
		if stdout.String() != lastOut || stderr.String() != lastErr {
			lastOut, lastErr = stdout.String(), stderr.String()
			_, _ = stderr.WriteTo(s.err)
			_, _ = stdout.WriteTo(s.out)
		}
		if said := exitCode(0); errors.As(err, &said) {
			return fmt.Errorf("the keys are in %s, and not on every node", out)
		}
		return err
	}
}

// overlayFile keeps an overlay in the file of that name.
type overlayFile string

// String implements [issuers.Store].
func (f overlayFile) String() string { return string(f) }

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
