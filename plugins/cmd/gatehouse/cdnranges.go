package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/cdnranges"
)

// cdnRanges prints whom Kong may believe a client's address from, as its setting. It
// prints all of it or nothing.
func cdnRanges(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "cdn-ranges")
	var from []string
	flags.Func("from", "where the list of the one CDN is, an http(s) URL, a file, or - for standard input; may be given for each part (default: where the CDN publishes it)",
		func(value string) error { from = append(from, value); return nil })
	format := flags.String("format", "env", "what to print: env (KONG_TRUSTED_IPS=…), conf (for kong.conf) or json")
	timeout := flags.Duration("timeout", 30*time.Second, "time for each list over HTTP")
	if handled, err := parse(flags, args); handled {
		return err
	}
	names := flags.Args()
	if len(names) == 0 {
		return fmt.Errorf("%w: gatehouse cdn-ranges [flags] CDN...; CDN is one of %s", errUsage, strings.Join(cdnranges.Names(), ", "))
	}
	if len(from) > 0 && len(names) > 1 {
		return errors.New("-from is where the list of one CDN is: name one")
	}
	reader := cdnranges.Reader{Stdin: s.in, Timeout: *timeout}
	var networks []cdnranges.Network
	for _, name := range names {
		published, err := readCDN(ctx, reader, name, from)
		if err != nil {
			return err
		}
		networks = append(networks, published...)
	}
	text, err := cdnranges.Render(*format, cdnranges.Merge(networks))
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
		return nil, err
	}
	if len(from) == 0 {
		from = cdn.URLs
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("the list of %s is at no fixed address: name it with -from", name)
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
