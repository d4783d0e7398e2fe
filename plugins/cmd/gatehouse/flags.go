package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/internal/version"
	"github.com/gatehousehq/gatehouse/plugins/kongwatch"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

// The defaults of what every command needs to agree on.
const (
	defaultSocket = "/run/gatehouse/gatehouse.sock"
	defaultPort   = "9542"
)

// variablePrefix begins the variables of this program.
const variablePrefix = "GATEHOUSE_"

// settings are the defaults of a plugin server's settings.
func settings() server.Settings {
	return server.Settings{Socket: defaultSocket, Version: version.String()}
}

// bind defines the flags of a plugin server's settings, or of those that are named.
func bind(flags *pflag.FlagSet, s *server.Settings, only ...string) error {
	addr, err := httpAddress(os.Getenv)
	s.HTTP = addr
	return errors.Join(err, cli.GoFlags(flags, func(flags *flag.FlagSet) error { return s.Bind(flags, variablePrefix, os.Getenv, only...) }))
}

func syslogFlag(flags *pflag.FlagSet) *string {
	return flags.String("syslog-socket", os.Getenv("GATEHOUSE_SYSLOG_SOCKET"),
		"unix datagram `SOCKET` for Kong's access and error logs; empty: none (GATEHOUSE_SYSLOG_SOCKET)")
}

// auditFlags say where audit records go, and how many are kept there.
func auditFlags(flags *pflag.FlagSet, o *auditlog.Options) error {
	flags.StringVar(&o.Target, "audit-log", cmp.Or(os.Getenv("GATEHOUSE_AUDIT_LOG"), auditlog.Stdout),
		"where audit records go: stdout, otlp (OTEL_EXPORTER_OTLP_ENDPOINT), or a `FILE` that is rotated daily (GATEHOUSE_AUDIT_LOG)")
	return errors.Join(
		countFlag(flags, "audit-retention-days", "GATEHOUSE_AUDIT_RETENTION_DAYS", "days that rotated audit files are kept",
			&count{&o.RetentionDays, "days", auditlog.DefaultRetentionDays, auditlog.MaxRetentionDays}),
		countFlag(flags, "audit-max-megabytes", "GATEHOUSE_AUDIT_MAX_MEGABYTES", "MiB at which an audit file is rotated before the day is over",
			&count{&o.MaxMegabytes, "MiB", auditlog.DefaultMaxMegabytes, auditlog.MaxMegabytes}),
		countFlag(flags, "audit-queue", "GATEHOUSE_AUDIT_QUEUE", "audit records that may wait for an OTLP receiver",
			&count{&o.QueueSize, "records", auditlog.DefaultQueueSize, auditlog.MaxQueueSize}),
	)
}

// countFlag defines a flag of a count, which is what the variable says unless it is given.
func countFlag(flags *pflag.FlagSet, name, variable, usage string, c *count) error {
	flags.Var(c, name, fmt.Sprintf("%s, %d unless set (%s)", usage, c.unset, variable))
	if text, ok := os.LookupEnv(variable); ok {
		if err := c.Set(text); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
	}
	return nil
}

// watchFlags say whom to ask what Kong tells no metrics of.
func watchFlags(flags *pflag.FlagSet, o *kongwatch.Options) {
	flags.StringVar(&o.StatusURL, "kong-status", os.Getenv("GATEHOUSE_KONG_STATUS"),
		"URL of Kong's /status, such as http://127.0.0.1:8100/status, for a metric of its configuration's hash; empty: none (GATEHOUSE_KONG_STATUS)")
	flags.StringVar(&o.EdgeAddr, "edge-tls", os.Getenv("GATEHOUSE_EDGE_TLS"),
		"host:port of Kong's TLS listener, such as 127.0.0.1:8443, for a metric of when the certificate expires that clients see; empty: none (GATEHOUSE_EDGE_TLS)")
	names := func(list string) error {
		o.ServerNames = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	}
	_ = names(os.Getenv("GATEHOUSE_EDGE_NAMES"))
	flags.Func("edge-names", "`NAMES` of servers that clients ask that listener for, with commas between; empty: the certificate for clients that name none (GATEHOUSE_EDGE_NAMES)", names)
}

// redisFlag defines the flag of a Redis, which REDIS_URL names unless it is given. The help does
// not show that: a password may be in it.
func redisFlag(flags *pflag.FlagSet, url *string, usage string) {
	const local = "redis://127.0.0.1:6379/0"
	flags.StringVar(url, "redis", cmp.Or(os.Getenv("REDIS_URL"), local), usage)
	flags.Lookup("redis").DefValue = "$REDIS_URL, or " + local
}

// checkRedis is the error of a --redis that is no URL. Of a variable it is no mistake of the
// command line's.
func checkRedis(flags *pflag.FlagSet, url string) error {
	if !flags.Changed("redis") {
		return nil
	}
	client, err := redisurl.Open(url)
	if err != nil {
		return cli.Usagef("--redis: %w", err)
	}
	return client.Close()
}

// ofFlags is an error as the command line's where it is of the value of a flag that was given.
func ofFlags(flags *pflag.FlagSet, err error, names ...string) error {
	if err != nil && slices.ContainsFunc(names, flags.Changed) {
		return cli.Usagef("%w", err)
	}
	return err
}

func chainKeyFlag(flags *pflag.FlagSet) *string {
	return flags.String("audit-chain-key", os.Getenv("GATEHOUSE_AUDIT_CHAIN_KEY"),
		"PEM `FILE` of the Ed25519 key that signs the chain of audit records; empty: no chain (GATEHOUSE_AUDIT_CHAIN_KEY)")
}

// count is a whole number of things from 1 to most; what is 0 is unset.
type count struct {
	value       *int
	things      string
	unset, most int
}

// Type is for the help.
func (c *count) Type() string { return "number" }

// String is for the flag package, which shows it as the default.
func (c *count) String() string { return "" }

// Set reads a number.
func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > c.most {
		return fmt.Errorf("%q is no number of %s from 1 to %d; write it as %d", text, c.things, c.most, c.unset)
	}
	*c.value = n
	return nil
}

// httpAddress is where health and metrics are unless --http or GATEHOUSE_HTTP say otherwise.
func httpAddress(getenv func(string) string) (string, error) {
	port := cmp.Or(getenv("PLUGINSERVER_PORT"), defaultPort)
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("PLUGINSERVER_PORT=%q: write a port such as %s", port, defaultPort)
	}
	return "127.0.0.1:" + port, nil
}
