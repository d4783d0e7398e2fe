package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// checking is one run of check.
type checking struct {
	layers
	options configcheck.Options
	format  string
	// failOn is the severity from which on a finding is a failure.
	failOn configcheck.Severity
	// contracts are SERVICE=FILE.
	contracts []string
	// lifecycle is the file of the life-cycle policy, or noLifecycle; empty for the one that is
	// beside the config.
	lifecycle string
}

func (c *checking) addFlags(flags *pflag.FlagSet) {
	c.failOn, c.options.Ours = configcheck.Error, true
	flags.BoolVar(&c.options.Development, "development", inDevelopment(), developmentUsage)
	cli.Output(flags, &c.format, "text", "json")
	flags.TextVar(&c.failOn, "fail-on", c.failOn, "the `severity` from which on a finding is a failure: error, warning or info")
	cli.Values(flags, "fail-on", configcheck.Error.String(), configcheck.Warning.String(), configcheck.Info.String())
	flags.Func("contract", "`SERVICES=FILE` with the OpenAPI document of services, commas between their names, to compare with their routes; may be given several times", add(&c.contracts))
	flags.StringVar(&c.lifecycle, "lifecycle", "", "`FILE` of the life-cycle policy that versions are held to; unless set, "+lifecycleFile+" beside FILE, or the default policy; \""+noLifecycle+"\" for none")
}

func checkCommand(s streams) *cobra.Command {
	c := checking{layers: layers{in: s.in}}
	cmd := command("check FILE [OVERLAY...]", "say what is wrong with a kong.yaml and its overlays", func(ctx context.Context, files []string) error {
		if len(files) == 0 {
			return cli.Usagef("name the FILE that is to be checked, and OVERLAY... that go over it; - is standard input")
		}
		c.config, c.overlays = files[0], files[1:]
		return c.check(ctx, s)
	})
	cmd.Long = `Say what is wrong with a kong.yaml and the overlays that go over it: every mistake at
once, with its file and line, its path in the config, the value and the fix.

It ends with 1 if something is as bad as --fail-on says, and with 0 otherwise.`
	cmd.Example = `  gatehouse check kong.yaml
  gatehouse check --fail-on warning kong.yaml keys.yaml
  gatehouse check --lifecycle agreed.yaml kong.yaml
  deck gateway dump -o - | gatehouse check -o json -`
	c.addFlags(cmd.Flags())
	return cmd
}

// check reads, looks and prints. Its exit code is 1 if something is as bad as --fail-on says.
func (c *checking) check(ctx context.Context, s streams) error {
	name, report, err := c.look(ctx)
	switch {
	case err != nil && c.format == "json" && ctx.Err() == nil && !cli.IsUsage(err):
		report = c.noFile(err)
	case err != nil:
		return err
	}
	if c.format == "json" {
		err = writeJSON(s.out, report)
	} else {
		err = writeText(s.out, name, report)
	}
	if err == nil && len(report.Findings) > 0 && report.Worst() >= c.failOn {
		return exitCode(1)
	}
	return err
}

// noFile is the report for programs where a file cannot be read.
func (c *checking) noFile(err error) configcheck.Report {
	name := c.config
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		name = file.Path
	}
	return configcheck.NoFile(name, err)
}

// look says what is wrong, or that it was told to stop: a pipe that nobody writes to is not
// waited for.
func (c *checking) look(ctx context.Context) (name string, report configcheck.Report, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		name, report, err = c.report()
	}()
	select {
	case <-done:
		return name, report, err
	case <-ctx.Done():
		return "", configcheck.Report{}, ctx.Err()
	}
}

func (c *checking) report() (name string, report configcheck.Report, err error) {
	if err := cmp.Or(c.readContracts(), c.readLifecycle()); err != nil {
		return "", report, err
	}
	checker, err := newChecker(c.options)
	if err != nil {
		return "", report, err
	}
	base, overlays, err := c.read(checker.Secrets())
	if err != nil {
		return "", report, err
	}
	return base.Name, checker.CheckFiles(base, overlays...), nil
}

// readContracts reads the OpenAPI documents.
func (c *checking) readContracts() error {
	for _, text := range c.contracts {
		services, path, ok := strings.Cut(text, "=")
		if !ok || services == "" || path == "" {
			return cli.Usagef("--contract %q: write SERVICE=FILE", text)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read contract: %w", err)
		}
		document, err := kongyaml.Layer(kongyaml.File{Name: path, Text: file})
		if err != nil {
			return fmt.Errorf("read contract: %w", err)
		}
		c.options.Contracts = append(c.options.Contracts, configcheck.Contract{Services: strings.Split(services, ","), Document: document})
	}
	return nil
}

const (
	// lifecycleFile is what the policy beside a config is called.
	lifecycleFile = "lifecycle.yaml"
	noLifecycle   = "none"
)

// readLifecycle reads the policy that --lifecycle names, or the one beside the config, if there
// is one. Beside standard input there is nothing.
func (c *checking) readLifecycle() error {
	path := c.lifecycle
	c.options.Lifecycle = path != noLifecycle
	switch {
	case !c.options.Lifecycle:
		return nil
	case path == "" && c.config == fromStandardInput:
		return nil
	case path == "":
		path = filepath.Join(filepath.Dir(c.config), lifecycleFile)
	}
	text, err := os.ReadFile(path)
	switch {
	case c.lifecycle == "" && errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read life-cycle policy: %w", err)
	}
	c.options.LifecycleFile = &kongyaml.File{Name: path, Text: text}
	return nil
}

const developmentUsage = "take keys and certificates that are for development only (GATEHOUSE_ENV=development)"

// developmentFlag defines the flag that says where this is.
func developmentFlag(flags *pflag.FlagSet) *bool {
	return flags.Bool("development", inDevelopment(), developmentUsage)
}

// inDevelopment reports whether the environment says that this is development.
func inDevelopment() bool { return os.Getenv("GATEHOUSE_ENV") == "development" }

// newChecker makes a checker that knows our plugins, by the clock and the environment of here.
func newChecker(o configcheck.Options) (*configcheck.Checker, error) {
	p, err := offlinePlugins()
	if err != nil {
		return nil, err
	}
	o.NoLogPlugins, o.Now, o.Getenv = !p.logPlugins, time.Now(), os.Getenv
	return configcheck.New(o, p.list()...)
}

// clean prints the errors and warnings of a config that is to be put somewhere, a line each,
// and reports whether it has no error.
func clean(w io.Writer, report configcheck.Report) bool {
	for _, f := range report.Findings {
		if f.Severity > configcheck.Info {
			fmt.Fprintf(w, "gatehouse: %s\n", findingLine(f))
		}
	}
	return report.Worst() < configcheck.Error
}

// checkStart says what is wrong with what Kong is about to start with. Its error is that
// the start would fail: Kong would refuse its config, or no limit could use REDIS_URL.
func checkStart(s streams) error {
	redisErr := checkRedisURL(s)
	name, source := declaredConfig(s)
	if source == nil {
		return redisErr
	}
	checker, err := newChecker(configcheck.Options{Development: inDevelopment(), Rendered: true})
	if err != nil {
		return err
	}
	report := checker.CheckFiles(kongyaml.File{Name: name, Text: source})
	clean(s.err, report)
	if report.Refused() {
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
