package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// makeCerts makes or renews development certificates, and on request a Kong config that
// has them.
func makeCerts(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("stack certs", flag.ExitOnError)
	dir := flags.String("dir", string(stack.CertDir(devDir)), "folder of the certificates, which is made")
	renew := flags.Bool("renew", false, "make all leaves anew; otherwise what has a third of its life left is kept")
	config := flags.String("config", envOr("KONG_DECLARATIVE_CONFIG", "kong.yaml"), "base Kong config, to make an overlay for")
	out := flags.String("out", "", "where to write the base with the overlay; not at all if empty")
	issuersOut := flags.String("issuers", "", "where to write which issuers of the auth service the base has consumers for; not at all if empty, or if it has none")
	auth := flags.String("auth", "https://auth:9106", "base URL of the auth service, for -issuers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	certs := devcerts.Dir(*dir)
	if err := certs.Write(time.Now(), *renew, func(line string) { fmt.Fprintln(os.Stderr, line) }); err != nil {
		return err
	}
	base, err := os.ReadFile(*config)
	if err != nil {
		return fmt.Errorf("read Kong config: %w", err)
	}
	merged, err := certs.Config(base)
	if err != nil {
		return fmt.Errorf("%s: %w", *config, err)
	}
	if *out != "" {
		if err := kongyaml.WriteOverlay(*out, merged); err != nil {
			return fmt.Errorf("write Kong config: %w", err)
		}
	}
	if *issuersOut != "" {
		issuers, err := stack.IssuersOf(base, *auth, certs.CA())
		if err == nil && len(issuers.List) > 0 {
			err = issuers.Write(*issuersOut)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", *config, err)
		}
	}
	fmt.Printf("CA:       %s\nLeaves:   %s, with NAME-key.pem beside each\nOverlay:  %s (holds private keys)\n",
		certs.CA(), filepath.Join(*dir, "NAME.pem"), certs.OverlayFile())
	return nil
}
