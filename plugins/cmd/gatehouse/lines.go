package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
)

// logPhase is the variable that has Kong tell the one-hop plugin how a request ended by a
// log event, which costs a worker some 85 µs, where its access line would tell it too.
const (
	logPhase   = "GATEHOUSE_LOG_PHASE"
	byLogEvent = "event"
)

// accessLines reports whether nginx's access line tells the one-hop plugin how a
// request ended. It does where Kong writes its access log to the plugin server's
// socket, in our own format, unless GATEHOUSE_LOG_PHASE has log events instead.
func accessLines(getenv func(string) string) (bool, error) {
	switch value := getenv(logPhase); value {
	case byLogEvent:
		return false, nil
	case "":
		log := getenv("KONG_PROXY_ACCESS_LOG")
		return getenv("GATEHOUSE_SYSLOG_SOCKET") != "" &&
			strings.HasPrefix(log, "syslog:") && strings.HasSuffix(log, " "+nginxlog.FormatName), nil
	default:
		return false, fmt.Errorf("%s=%q: write %s to have log events, or nothing to have it found out", logPhase, value, byLogEvent)
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
	options.Ended = p.ended
	conn, err := files.UnixConn(nginxlog.Inherited)
	var receiver *nginxlog.Receiver
	switch {
	case err != nil:
		return nil, err
	case conn != nil:
		receiver, err = nginxlog.Receive(conn, options)
	case path == "" && p.accessLines:
		return nil, fmt.Errorf("there is no socket for access lines, which tell how requests end; set --syslog-socket, or %s=%s", logPhase, byLogEvent)
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
