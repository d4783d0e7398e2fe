package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
)

// The defaults of what every command needs to agree on.
const (
	defaultSocket = "/run/gatehouse/gatehouse.sock"
	defaultPort   = "9542"
)

// newFlags returns a flag set that prints its usage to s.err and returns errors.
func newFlags(s streams, name string) *flag.FlagSet {
	flags := flag.NewFlagSet("gatehouse "+name, flag.ContinueOnError)
	flags.SetOutput(s.err)
	return flags
}

// parse parses args; -h is no error, and handled says so.
func parse(flags *flag.FlagSet, args []string) (handled bool, err error) {
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return true, nil
	}
	if err != nil {
		return true, exitCode(2) // the flag set has said what is wrong
	}
	return false, nil
}

// noArguments is the error of arguments that a command has no use for.
func noArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("%w: %s takes no argument %q; see %[2]s -h", errUsage, flags.Name(), flags.Arg(0))
	}
	return nil
}

// variablePrefix begins the variables of this program.
const variablePrefix = "GATEHOUSE_"

// profilingFlag begins with what GATEHOUSE_PROFILING says.
func profilingFlag(flags *flag.FlagSet) (*bool, error) {
	on, text := false, os.Getenv("GATEHOUSE_PROFILING")
	if text != "" {
		var err error
		if on, err = strconv.ParseBool(text); err != nil {
			return nil, fmt.Errorf("GATEHOUSE_PROFILING=%q: write true or false", text)
		}
	}
	return flags.Bool("profiling", on, "serve /debug/pprof/ beside /metrics (GATEHOUSE_PROFILING=true)"), nil
}

func socketFlag(flags *flag.FlagSet) *string {
	return flags.String("socket", cmp.Or(os.Getenv("GATEHOUSE_SOCKET"), defaultSocket),
		"unix socket that Kong connects to (GATEHOUSE_SOCKET)")
}

func syslogFlag(flags *flag.FlagSet) *string {
	return flags.String("syslog-socket", os.Getenv("GATEHOUSE_SYSLOG_SOCKET"),
		"unix datagram socket for Kong's access and error logs; empty: none (GATEHOUSE_SYSLOG_SOCKET)")
}

// auditFlags say where audit records go, and for how long a file of them is kept.
func auditFlags(flags *flag.FlagSet, o *auditlog.Options) error {
	flags.StringVar(&o.Target, "audit-log", cmp.Or(os.Getenv("GATEHOUSE_AUDIT_LOG"), auditlog.Stdout),
		"where audit records go: stdout, otlp (OTEL_EXPORTER_OTLP_ENDPOINT), or the path of a file that is rotated daily (GATEHOUSE_AUDIT_LOG)")
	flags.Var((*days)(&o.RetentionDays), "audit-retention-days",
		fmt.Sprintf("days that rotated audit files are kept, %d unless set (GATEHOUSE_AUDIT_RETENTION_DAYS)", auditlog.DefaultRetentionDays))
	if text, ok := os.LookupEnv("GATEHOUSE_AUDIT_RETENTION_DAYS"); ok {
		if err := (*days)(&o.RetentionDays).Set(text); err != nil {
			return fmt.Errorf("GATEHOUSE_AUDIT_RETENTION_DAYS: %w", err)
		}
	}
	return nil
}

// days is a whole number of days; 0 is the default.
type days int

// String is for the flag package, which shows it as the default.
func (d *days) String() string { return "" }

// Set reads a number of days.
func (d *days) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no number of days; write it as %d", text, auditlog.DefaultRetentionDays)
	}
	*d = days(n)
	return nil
}

// httpFlag begins with what the environment says, which must be an address.
func httpFlag(flags *flag.FlagSet) (*string, error) {
	addr, err := httpAddress(os.Getenv)
	return flags.String("http", addr,
		"address of /metrics, /healthz and /readyz (GATEHOUSE_HTTP, or PLUGINSERVER_PORT on 127.0.0.1)"), err
}

func httpAddress(getenv func(string) string) (string, error) {
	if addr := getenv("GATEHOUSE_HTTP"); addr != "" {
		if _, port, err := net.SplitHostPort(addr); err != nil || !isPort(port) {
			return "", fmt.Errorf("GATEHOUSE_HTTP=%q: write an address such as 127.0.0.1:%s", addr, defaultPort)
		}
		return addr, nil
	}
	port := cmp.Or(getenv("PLUGINSERVER_PORT"), defaultPort)
	if !isPort(port) {
		return "", fmt.Errorf("PLUGINSERVER_PORT=%q: write a port such as %s", port, defaultPort)
	}
	return "127.0.0.1:" + port, nil
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func instancesFlag(flags *flag.FlagSet) *string {
	return flags.String("instances", os.Getenv("GATEHOUSE_INSTANCES"),
		"directory of started plugin configurations and of what limits are at, for the process that takes this one's place; empty: none, or with run SOCKET.instances (GATEHOUSE_INSTANCES)")
}
