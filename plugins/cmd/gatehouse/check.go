package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
)

// check says what is wrong with a declarative config and its overlays: what Kong would
// refuse, and what only shows when a plugin starts, such as a plan that does not exist.
// Warnings alone are no failure.
func check(_ context.Context, s streams, args []string) error {
	flags := newFlags(s, "check")
	development := developmentFlag(flags)
	if handled, err := parse(flags, args); handled {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("%w: gatehouse check [flags] FILE [OVERLAY...]", errUsage)
	}
	checker, err := newChecker()
	if err != nil {
		return err
	}
	checker.Development = *development
	l := layers{flags.Arg(0), flags.Args()[1:]}
	merged, err := l.merge(kongsecret.New(checker.Schemas()))
	if err != nil {
		return err
	}
	report := checker.Check(merged.Text)
	printFindings(s.err, merged.Name, report, configcheck.Mistake)
	if report.Worst() > configcheck.Warning {
		return exitCode(1)
	}
	_, err = fmt.Fprintf(s.out, "%s: %d plugin configs are good\n", merged.Name, report.Good)
	return err
}

// developmentFlag defines the flag that says where this is.
func developmentFlag(flags *flag.FlagSet) *bool {
	return flags.Bool("development", inDevelopment(), "take keys and certificates that are for development only (GATEHOUSE_ENV=development)")
}

// inDevelopment reports whether the environment says that this is development.
func inDevelopment() bool { return os.Getenv("GATEHOUSE_ENV") == "development" }

func newChecker() (*configcheck.Checker, error) {
	p, err := offlinePlugins()
	if err != nil {
		return nil, err
	}
	return configcheck.New(!p.logPlugins, p.list()...)
}

// printFindings prints a line for each. Those that are not as bad as fatal are called
// warnings.
func printFindings(w io.Writer, name string, report configcheck.Report, fatal configcheck.Severity) {
	for _, f := range report.Findings {
		kind := ""
		if f.Severity < fatal {
			kind = "warning: "
		}
		fmt.Fprintf(w, "gatehouse: %s%s: %v\n", kind, name, f)
	}
}

// checkStart says what is wrong with what Kong is about to start with. Its error is that
// the start would fail: Kong would refuse its config, or no limit could use REDIS_URL.
func checkStart(s streams) error {
	redisErr := checkRedisURL(s)
	name, source := declaredConfig(s)
	if source == nil {
		return redisErr
	}
	checker, err := newChecker()
	if err != nil {
		return err
	}
	checker.Development = inDevelopment()
	report := checker.Check(source)
	printFindings(s.err, name, report, configcheck.Refused)
	if report.Worst() == configcheck.Refused {
		return exitCode(1)
	}
	return redisErr
}

// checkRedisURL prints what is wrong with REDIS_URL.
func checkRedisURL(s streams) error {
	url := os.Getenv("REDIS_URL")
	if url == "" {
		return nil
	}
	client, err := redisurl.Open(url)
	if err != nil {
		fmt.Fprintf(s.err, "gatehouse: REDIS_URL: %v\n", err)
		return exitCode(1)
	}
	return client.Close()
}

// The variables in which Kong is told of its declarative config. The file goes before
// the text, and both count only where there is no database.
const (
	configFile = "KONG_DECLARATIVE_CONFIG"
	configText = "KONG_DECLARATIVE_CONFIG_STRING"
)

// declaredConfig is what Kong will start with, nil if there is nothing to look at. A
// file that cannot be read is for Kong to complain of: here it may not be there yet.
func declaredConfig(s streams) (name string, source []byte) {
	path, text := os.Getenv(configFile), os.Getenv(configText)
	switch {
	case cmp.Or(os.Getenv("KONG_DATABASE"), "off") != "off":
		return "", nil
	case path == "" && text != "":
		return configText, []byte(text)
	case path == "":
		return "", nil
	}
	source, err := regularfile.Read(path)
	if err != nil {
		fmt.Fprintf(s.err, "gatehouse: warning: %s is not checked: %v\n", configFile, err)
		return "", nil
	}
	return path, source
}
