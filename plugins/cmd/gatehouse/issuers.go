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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/plugins/issuers"
)

// issuersCommand is about the keys of token issuers.
func issuersCommand(s streams) *cobra.Command {
	return cli.Group("issuers", "write the keys of token issuers as an overlay, once or every so long", issuersSyncCommand(s))
}

func issuersSyncCommand(s streams) *cobra.Command {
	var o syncing
	c := plain("sync", "write the keys as an overlay, and put the config with it on nodes where some are named", func(ctx context.Context) error { return o.sync(ctx, s) })
	o.addFlags(c.Flags())
	return c
}

// syncing is whose keys are written where, and how often.
type syncing struct {
	publishing
	file, out   string
	every       time.Duration
	onlyChanges bool
}

func (o *syncing) addFlags(flags *pflag.FlagSet) {
	o.publishing.addFlags(flags)
	flags.StringVar(&o.file, "issuers", "", "YAML or JSON `FILE` of the issuers")
	flags.StringVar(&o.out, "out", "", "overlay to write, a `FILE` which is also what is remembered of them")
	flags.DurationVar(&o.every, "every", 0, "time between two rounds, a tenth more or less; 0: one round")
	flags.BoolVar(&o.onlyChanges, "only-changes", false, "put the config on the nodes where keys have changed since the overlay was there, and not in every round: what is put there otherwise stays, and so does what a node that is started anew begins with")
}

// sync writes the keys of issuers as an overlay, and puts the config with it on
// nodes where some are named: once, or every so long until it is stopped. Once, it fails
// if an issuer could not be read, with the keys of the last good reading in the overlay.
func (o *syncing) sync(ctx context.Context, s streams) error {
	if o.file == "" || o.out == "" {
		return cli.Usagef("name the issuers with --issuers FILE, and the overlay to write with --out OVERLAY")
	}
	if o.every != 0 && o.every < time.Second {
		return cli.Usagef("--every %v: write a time such as 5m, 1s at least", o.every)
	}
	if len(o.nodes) > 0 && o.config == "" {
		return cli.Usagef("--node takes a whole config: name the declarative config with --config")
	}
	list, err := readIssuers(o.file)
	if err != nil {
		return err
	}
	syncer := o.syncer(s, list, o.out)
	syncer.OnlyChanges = o.onlyChanges
	if o.every > 0 {
		syncer.Run(ctx, o.every)
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
