package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/filelock"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// publishing is a declarative config in files, and the nodes that are to run it.
type publishing struct {
	layers
	// nodes are the addresses of Admin APIs.
	nodes []string
	files kongadmin.TLS
	// timeout is how long a node may take for each answer.
	timeout time.Duration
	// development says that what is for development may be put there.
	development *bool
	lock        postingLock
	// credentials says that nothing else is put on the nodes where the lock is used: what
	// is not released yet, or was taken back, comes there by no other way.
	credentials bool

	checker *configcheck.Checker // see knowing
}

// addFlags defines the flags that say what is put where.
func (p *publishing) addFlags(flags *pflag.FlagSet) {
	p.layers.addFlags(flags)
	p.development = developmentFlag(flags)
	p.lock.addFlags(flags)
	flags.Func("node", "`ADDRESS` of the Admin API of a Kong, such as http://127.0.0.1:8001, to put the config on, or dns+http://NAME:8001 or srv+http://NAME for all that a name has in the DNS; may be given several times", add(&p.nodes))
	flags.StringVar(&p.files.CA, "admin-ca", "", "PEM `FILE` of the CA of https nodes; empty: the system's")
	flags.StringVar(&p.files.Cert, "admin-cert", "", "PEM `FILE` of the certificate that https nodes are shown")
	flags.StringVar(&p.files.Key, "admin-key", "", "PEM `FILE` of its key")
	flags.DurationVar(&p.timeout, "admin-timeout", 30*time.Second, "how long a node may take for each answer")
}

func publishCommand(s streams) *cobra.Command {
	var p publishing
	c := plain("publish", "put a kong.yaml with its overlays on nodes, and say what runs where", func(ctx context.Context) error { return p.publish(ctx, s) })
	p.addFlags(c.Flags())
	return c
}

// publish checks the merged config, posts it to one node after the other, and prints a
// line for each with what it runs. It is an error if one does not run the config.
//
// Nobody else on this machine puts a config of that folder on nodes meanwhile: what was
// merged before a key was revoked must not be posted after what was merged then.
func (p *publishing) publish(ctx context.Context, s streams) error {
	nodes, err := p.open(ctx)
	if err != nil {
		return err
	}
	checker, err := p.knowing()
	if err != nil {
		return err
	}
	hold, free, err := p.shareNodes(ctx, s)
	if err != nil {
		return err
	}
	defer free()
	turn, err := p.takeTurn(ctx, s)
	if err != nil {
		return err
	}
	defer turn.Close()
	secrets := checker.Secrets()
	document, err := p.layer(secrets)
	if err != nil {
		return err
	}
	if report := checker.Check(document); !clean(s.err, report) {
		return errors.New("no node was asked: the config has mistakes")
	}
	text, err := document.Text()
	if err != nil {
		return err
	}
	merged := kongyaml.File{Name: p.config, Text: text}
	hide, err := secrets.Replacer(merged)
	if err != nil {
		return err
	}
	if err := p.changesCredentials(ctx, nodes, secrets, merged); err != nil {
		return err
	}
	results, err := kongadmin.Publish(ctx, kongadmin.Config{Text: merged.Text, Hide: hide, Hold: hold}, nodes)
	for _, r := range results {
		if r.Err != nil {
			fmt.Fprintln(s.err, "gatehouse:", r)
		} else {
			fmt.Fprintln(s.out, r)
		}
	}
	if err != nil {
		return exitCode(1)
	}
	return nil
}

// shareNodes takes the lock of the gateway, where one is named, and returns what makes sure
// of it right before a post.
func (p *publishing) shareNodes(ctx context.Context, s streams) (hold func(context.Context) error, free func(), err error) {
	if p.lock.url == "" {
		return nil, func() {}, nil
	}
	lock, err := p.lock.take(ctx, s, p.timeout, turnTimeout)
	if err != nil {
		return nil, nil, err
	}
	free = func() { _ = lock.Close() } // which ends by itself
	if err := lock.free(ctx); err != nil {
		free()
		return nil, nil, err
	}
	return func(ctx context.Context) error { return lock.Hold(ctx, 2*p.timeout+time.Second) }, free, nil
}

// changesCredentials is the error of a config that would change more on the nodes than
// credentials, where that is a release's business. A node that does not answer is passed
// over: it is asked again for all of it.
func (p *publishing) changesCredentials(ctx context.Context, nodes []*kongadmin.Node, secrets *kongsecret.Finder, merged kongyaml.File) error {
	if p.lock.url == "" || !p.credentials {
		return nil
	}
	after, err := shown(secrets, merged)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		exported, err := n.Export(ctx)
		if err != nil {
			continue
		}
		changes, err := changesFrom(ctx, n, secrets, exported, after)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if !c.Credential() {
				return fmt.Errorf("no node was asked: %s would change more there than credentials (%s %s %s): release it with gatehouse release apply, or name the config that runs with --config", merged.Name, c.Verb, c.Kind, c.Name)
			}
		}
	}
	return nil
}

// turnTimeout is how long one who publishes waits for others. A node that is gone costs
// them --admin-timeout twice.
const turnTimeout = 5 * time.Minute

// takeTurn waits until nobody else publishes a config of the folder that the base is in.
// The folder itself is locked: it stays one where files in it are written anew, and it need
// not be writable.
func (p *publishing) takeTurn(ctx context.Context, s streams) (*os.File, error) {
	if p.config == "" {
		return nil, errNoConfig
	}
	folder, err := os.Open(filepath.Dir(resolved(p.config)))
	if err != nil {
		return nil, fmt.Errorf("read declarative config: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	err = filelock.Take(waiting, folder, func() {
		fmt.Fprintf(s.err, "gatehouse: somebody else publishes a config of %s: this waits for up to %v\n", folder.Name(), turnTimeout)
	})
	if errors.Is(err, filelock.ErrTaken) {
		return nil, fmt.Errorf("no node was asked: somebody else still publishes a config of %s: publish again when that is done", folder.Name())
	}
	return folder, err
}

// knowing is what knows our plugins. It is made once: a sync asks it in every round.
func (p *publishing) knowing() (*configcheck.Checker, error) {
	if p.checker != nil {
		return p.checker, nil
	}
	checker, err := newChecker(configcheck.Options{Development: *p.development})
	if err != nil {
		return nil, err
	}
	p.checker = checker
	return checker, nil
}

// beside is the config without an overlay, and the usernames of the consumers that it has.
// If the overlay named another one, it would make a new one, which is in no group.
func (p *publishing) beside(overlay string) (config kongyaml.File, consumers []string, err error) {
	checker, err := p.knowing()
	if err != nil {
		return config, nil, err
	}
	others := p.without(overlay)
	if config, err = others.merge(checker.Secrets()); err != nil {
		return config, nil, err
	}
	consumers, err = consumersOf(config)
	return config, consumers, err
}

// consumersOf are the usernames that a config has.
func consumersOf(config kongyaml.File) (names []string, err error) {
	document, err := kongyaml.Decode(config.Text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", config.Name, err)
	}
	fields, _ := document.(map[string]any)
	list, _ := fields["consumers"].([]any)
	for _, entity := range list {
		consumer, _ := entity.(map[string]any)
		if name, _ := consumer["username"].(string); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// open finds the nodes.
func (p *publishing) open(ctx context.Context) (nodes []*kongadmin.Node, err error) {
	if len(p.nodes) == 0 {
		return nil, cli.Usagef("name a node with --node")
	}
	for _, address := range p.nodes {
		places, err := kongadmin.Find(ctx, net.DefaultResolver, address)
		if err != nil {
			return nil, fmt.Errorf("--node: %w", err)
		}
		for _, place := range places {
			files := p.files
			files.ServerName = place.ServerName
			client, err := files.Client(p.timeout)
			if err != nil {
				return nil, err
			}
			node, err := kongadmin.NewNode(place.Address, client)
			if err != nil {
				return nil, cli.Usagef("--node: %w", err)
			}
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}
