package main

import (
	"context"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// scrubLines is a filter for pipes.
func scrubLines(_ context.Context, s streams, args []string) error {
	flags := newFlags(s, "scrub")
	format := flags.String("format", "text", "what the lines are: text, access, json or query")
	findings := flags.Bool("findings", false, "write what was found in each line, as JSON, in place of the line")
	if handled, err := parse(flags, args); handled {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	f, err := scrub.ParseFormat(*format)
	if err != nil {
		return fmt.Errorf("-format: %w", err)
	}
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		return err
	}
	return scrub.Filter(s.in, s.out, scrub.FilterOptions{Engine: engine, Format: f, Findings: *findings})
}
