package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

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

// deadlineFlag gathers deadlines by plugin name.
type deadlineFlag map[string]time.Duration

// deadlinesFlag begins with what GATEHOUSE_DEADLINES says.
func deadlinesFlag(flags *flag.FlagSet) (deadlineFlag, error) {
	deadlines := deadlineFlag{}
	flags.Var(deadlines, "deadline", "PLUGIN=DURATION: how long an event of a plugin may take, 100ms unless said; may be repeated (GATEHOUSE_DEADLINES, with commas between)")
	for item := range strings.SplitSeq(os.Getenv("GATEHOUSE_DEADLINES"), ",") {
		if item == "" {
			continue
		}
		if err := deadlines.Set(item); err != nil {
			return nil, fmt.Errorf("GATEHOUSE_DEADLINES: %q: %w", item, err)
		}
	}
	return deadlines, nil
}

// profilingFlag begins with what GATEHOUSE_PROFILING says.
func profilingFlag(flags *flag.FlagSet) *bool {
	on, _ := strconv.ParseBool(os.Getenv("GATEHOUSE_PROFILING")) // what is no boolean is no wish
	return flags.Bool("profiling", on, "serve /debug/pprof/ beside /metrics (GATEHOUSE_PROFILING=true)")
}

// String is for the flag package, which shows it as the default: none.
func (d deadlineFlag) String() string { return "" }

// Set adds one PLUGIN=DURATION.
func (d deadlineFlag) Set(text string) error {
	name, value, _ := strings.Cut(text, "=")
	deadline, err := time.ParseDuration(value)
	if name == "" || err != nil {
		return errors.New("write it as PLUGIN=DURATION, such as tenant-rate-limit=200ms")
	}
	d[name] = deadline
	return nil
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

func httpFlag(flags *flag.FlagSet) *string {
	return flags.String("http", cmp.Or(os.Getenv("GATEHOUSE_HTTP"), "127.0.0.1:"+cmp.Or(os.Getenv("PLUGINSERVER_PORT"), defaultPort)),
		"address of /metrics, /healthz and /readyz (GATEHOUSE_HTTP, or PLUGINSERVER_PORT on 127.0.0.1)")
}

func instancesFlag(flags *flag.FlagSet) *string {
	return flags.String("instances", os.Getenv("GATEHOUSE_INSTANCES"),
		"directory of started plugin configurations, for the process that takes this one's place; empty: none, or with run SOCKET.instances (GATEHOUSE_INSTANCES)")
}
