package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// receiveLines writes Kong's access and error lines, scrubbed, to out: from the
// socket that a parent handed over, or one made at path. An empty path and no parent
// mean that Kong logs elsewhere.
func receiveLines(path string, scrubber *piilogscrub.Runtime, out io.Writer, logger *slog.Logger, registry prometheus.Registerer) (stop func() error, err error) {
	options := nginxlog.Options{
		Engine: scrubber.Engine, Observe: scrubber.Observe,
		Out: out, Logger: logger, Registerer: registry,
	}
	conn, err := nginxlog.Inherited()
	var receiver *nginxlog.Receiver
	switch {
	case err != nil:
		return nil, err
	case conn != nil:
		receiver, err = nginxlog.Receive(conn, options)
	case path == "":
		return func() error { return nil }, nil
	default:
		receiver, err = nginxlog.Listen(path, options)
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		return receiver.Close(ctx)
	}, nil
}

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
