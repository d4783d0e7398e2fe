package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/cdnranges"
)

func cdnRangesCommand(s streams) *cobra.Command {
	var from []string
	var format string
	var timeout time.Duration
	c := command("cdn-ranges CDN...", "print whom to believe a client's address from, as Kong's trusted_ips", func(ctx context.Context, names []string) error {
		if len(names) == 0 {
			return cli.Usagef("name a CDN, one of %s", strings.Join(cdnranges.Names(), ", "))
		}
		if len(from) > 0 && len(names) > 1 {
			return cli.Usagef("--from is where the list of one CDN is: name one")
		}
		if _, err := cdnranges.Render(format, nil); err != nil {
			return cli.Usagef("%w", err)
		}
		return cdnRanges(ctx, s, cdnranges.Reader{Stdin: s.in, Timeout: timeout}, names, from, format)
	})
	c.Flags().Func("from", "`PLACE` of the list of the one CDN: an http(s) URL, a file, or - for standard input; may be given for each part (default: where the CDN publishes it)", add(&from))
	c.Flags().StringVar(&format, "format", "env", "what to print: env (KONG_TRUSTED_IPS=…), conf (for kong.conf) or json")
	cli.Values(c.Flags(), "format", "env", "conf", "json")
	c.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "time for each list over HTTP")
	c.ValidArgs = cdnranges.Names()
	return c
}

// cdnRanges prints whom Kong may believe a client's address from, as its setting. It
// prints all of it or nothing.
func cdnRanges(ctx context.Context, s streams, reader cdnranges.Reader, names, from []string, format string) error {
	var networks []cdnranges.Network
	for _, name := range names {
		published, err := readCDN(ctx, reader, name, from)
		if err != nil {
			return err
		}
		networks = append(networks, published...)
	}
	text, err := cdnranges.Render(format, cdnranges.Merge(networks))
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.out, text)
	return err
}

// readCDN reads the parts of a CDN's list, from where it publishes them unless from names
// others.
func readCDN(ctx context.Context, reader cdnranges.Reader, name string, from []string) (networks []cdnranges.Network, err error) {
	cdn, err := cdnranges.Find(name)
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	if len(from) == 0 {
		from = cdn.URLs
	}
	if len(from) == 0 {
		return nil, cli.Usagef("the list of %s is at no fixed address: name it with --from", name)
	}
	for _, place := range from {
		reply, err := reader.Read(ctx, place)
		if err != nil {
			return nil, fmt.Errorf("read the list of %s from %s: %w", name, place, err)
		}
		part, err := cdn.Parse(reply)
		if err != nil {
			return nil, fmt.Errorf("read the list of %s from %s: %w", name, place, err)
		}
		networks = append(networks, part...)
	}
	if err := cdn.Whole(networks); err != nil {
		return nil, fmt.Errorf("read the list of %s from %s: %w", name, strings.Join(from, " and "), err)
	}
	return networks, nil
}
