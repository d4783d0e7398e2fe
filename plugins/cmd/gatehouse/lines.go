package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

// The values of GATEHOUSE_LOG_PHASE: how the one-hop plugin is told how a request ended.
const (
	logPhase     = "GATEHOUSE_LOG_PHASE"
	byAccessLine = "line"  // by nginx's access line
	byLogEvent   = "event" // by a log event of Kong's, which costs a worker some 85 µs
)

// accessLines reports whether nginx's access line tells the one-hop plugin how a
// request ended. Unless GATEHOUSE_LOG_PHASE says so, it does where Kong writes its
// access log to the plugin server's socket, in our own format.
func accessLines(getenv func(string) string) (bool, error) {
	switch value := getenv(logPhase); value {
	case byAccessLine:
		return true, nil
	case byLogEvent:
		return false, nil
	case "":
		log := getenv("KONG_PROXY_ACCESS_LOG")
		return getenv("GATEHOUSE_SYSLOG_SOCKET") != "" &&
			strings.HasPrefix(log, "syslog:") && strings.HasSuffix(log, " "+nginxlog.FormatName), nil
	default:
		return false, fmt.Errorf("%s=%q: write %s or %s, or nothing to have it found out", logPhase, value, byAccessLine, byLogEvent)
	}
}

// logPlugins reports whether log plugins of Kong's are enabled, as they are unless
// GATEHOUSE_LOG_PLUGINS says that they are not.
func logPlugins(getenv func(string) string) (bool, error) {
	switch value := getenv("GATEHOUSE_LOG_PLUGINS"); value {
	case "", "on":
		return true, nil
	case "off":
		return false, nil
	default:
		return false, fmt.Errorf("GATEHOUSE_LOG_PLUGINS=%q: write off where none of Kong's log plugins is enabled, else on or nothing", value)
	}
}

// receiveLines writes Kong's access and error lines, scrubbed, to out: from the
// socket that a parent handed over, or one made at path. An empty path and no parent
// mean that Kong logs elsewhere.
func receiveLines(path string, files inherit.Files, p *plugins, out io.Writer, logger *slog.Logger, registry prometheus.Registerer) (stop func() error, err error) {
	options := nginxlog.Options{
		Engine: p.scrubber.Engine, Observe: p.scrubber.Observe,
		Out: out, Logger: logger, Registerer: registry,
	}
	if p.accessLines {
		options.Ended = p.onehop.Ended
	}
	conn, err := files.UnixConn(nginxlog.Inherited)
	var receiver *nginxlog.Receiver
	switch {
	case err != nil:
		return nil, err
	case conn != nil:
		receiver, err = nginxlog.Receive(conn, options)
	case path == "" && p.accessLines:
		return nil, fmt.Errorf("%s=%s: there is no socket for access lines; set -syslog-socket or GATEHOUSE_SYSLOG_SOCKET", logPhase, byAccessLine)
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
