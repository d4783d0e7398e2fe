package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/redisurl"
)

// check says what is wrong with the plugins' configs in a declarative config: what Kong
// would refuse, and what only shows when a plugin starts, such as a plan that does not
// exist. Warnings alone are no failure.
func check(_ context.Context, s streams, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: gatehouse check FILE", errUsage)
	}
	source, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read declarative config: %w", err)
	}
	report, err := checkText(source)
	if err != nil {
		return err
	}
	printFindings(s.err, args[0], report, configcheck.Mistake)
	if report.Worst() > configcheck.Warning {
		return exitCode(1)
	}
	_, err = fmt.Fprintf(s.out, "%s: %d plugin configs are good\n", args[0], report.Good)
	return err
}

func checkText(source []byte) (configcheck.Report, error) {
	checker, err := newChecker()
	if err != nil {
		return configcheck.Report{}, err
	}
	return checker.Check(source), nil
}

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
	report, err := checkText(source)
	if err != nil {
		return err
	}
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
	source, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintf(s.err, "gatehouse: warning: %s is not checked: %v\n", configFile, err)
		return "", nil
	}
	return path, source
}
