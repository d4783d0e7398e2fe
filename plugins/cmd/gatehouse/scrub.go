package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

func scrubCommand(s streams) *cobra.Command {
	var format string
	var findings bool
	c := plain("scrub", "scrub the lines on standard input", func(context.Context) error { return scrubLines(s, format, findings) })
	c.Flags().StringVar(&format, "format", "text", "what the lines are: text, access, json or query")
	c.Flags().BoolVar(&findings, "findings", false, "write what was found in each line, as JSON, in place of the line")
	return c
}

// scrubLines is a filter for pipes.
func scrubLines(s streams, format string, findings bool) error {
	f, err := scrub.ParseFormat(format)
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		return err
	}
	return scrub.Filter(s.in, s.out, scrub.FilterOptions{Engine: engine, Format: f, Findings: findings})
}
