package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

func certsCommand() *cobra.Command {
	var o certsOptions
	c := command("certs", "make or renew development certificates", cli.NoArguments, func(context.Context, []string) error { return o.write() })
	flags := c.Flags()
	flags.StringVar(&o.dir, "dir", string(stack.CertDir(devDir)), "`FOLDER` of the certificates, which is made")
	flags.BoolVar(&o.renew, "renew", false, "make all leaves anew; otherwise what has a third of its life left is kept")
	flags.StringVar(&o.config, "config", kongConfig(), "base Kong config, a `FILE` to make an overlay for")
	flags.StringVar(&o.out, "out", "", "`FILE` to write the base with the overlay; not at all if empty")
	flags.StringVar(&o.issuers, "issuers", "", "`FILE` to write the issuers of the auth service into that the base has consumers for; not at all if empty, or if it has none")
	flags.StringVar(&o.auth, "auth", "https://auth:9106", "base URL of the auth service, for --issuers")
	return c
}

// certsOptions are which certificates are made, and where.
type certsOptions struct {
	dir, config, out, issuers, auth string
	renew                           bool
}

// write makes or renews development certificates, and on request a Kong config that
// has them.
func (o *certsOptions) write() error {
	certs := devcerts.Dir(o.dir)
	if err := certs.Write(time.Now(), o.renew, func(line string) { fmt.Fprintln(os.Stderr, line) }); err != nil {
		return err
	}
	base, err := os.ReadFile(o.config)
	if err != nil {
		return fmt.Errorf("read Kong config: %w", err)
	}
	merged, err := certs.Config(base)
	if err != nil {
		return fmt.Errorf("%s: %w", o.config, err)
	}
	if o.out != "" {
		if err := kongyaml.WriteOverlay(o.out, merged); err != nil {
			return fmt.Errorf("write Kong config: %w", err)
		}
	}
	if o.issuers != "" {
		issuers, err := stack.IssuersOf(base, o.auth, certs.CA())
		if err == nil && len(issuers.List) > 0 {
			err = issuers.Write(o.issuers)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.config, err)
		}
	}
	fmt.Printf("CA:       %s\nLeaves:   %s, with NAME-key.pem beside each\nOverlay:  %s (holds private keys)\n",
		certs.CA(), filepath.Join(o.dir, "NAME.pem"), certs.OverlayFile())
	return nil
}
