package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrubreport"
)

// exitDropped is how --strict ends where something could not be examined.
const exitDropped exitCode = 3

// filtering is one run of scrub.
type filtering struct {
	policy, format                   string
	findings, explain, stats, dryRun bool
	strict                           bool
	options                          scrub.FilterOptions
	report                           scrubreport.Report
	failed                           bool
}

func scrubCommand(s streams) *cobra.Command {
	var f filtering
	c := command("scrub [FILE...]", "scrub the lines of files, or of standard input", func(ctx context.Context, files []string) error {
		return f.run(ctx, s, files)
	})
	c.Long = `Write the lines of files, or of standard input (-), without personal data, card numbers
and credentials, as the plugin pii-log-scrub takes them out of Kong's logs. Each line is
written as soon as no more input waits.

It ends with 0, with 1 if something could not be read or written, with 2 if the command line
is wrong, and with 3 if --strict is given and something could not be examined.`
	c.Example = `  gatehouse scrub access.log > clean.log
  tail -f app.log | gatehouse scrub
  zcat access.log.2.gz | gatehouse scrub --stats > clean.log
  gatehouse scrub --policy kong.yaml --dry-run access.log    what would go, by route and field
  gatehouse scrub --policy policy.yaml --explain app.log     which rule found what, and why`
	flags := c.Flags()
	flags.StringVar(&f.policy, "policy", "", "the plugin's config in a `FILE`, alone or in a whole kong.yaml; absent: the plugin's defaults")
	flags.StringVar(&f.format, "format", scrub.FormatText.String(), "what the lines are: text, access, json, query, url or request")
	cli.Values(flags, "format", scrub.Formats()...)
	flags.BoolVar(&f.findings, "findings", false, "write what was found in each line, as JSON, in place of the line")
	flags.BoolVar(&f.explain, "explain", false, "write a line for each finding, which rule it is by and why, in place of the lines")
	flags.BoolVar(&f.dryRun, "dry-run", false, "write a table of what would be taken out, by route and field, in place of the lines")
	flags.BoolVar(&f.stats, "stats", false, "write a table of what was found to standard error at the end")
	flags.BoolVar(&f.strict, "strict", false, "end with 3 if a text could not be examined, and was dropped")
	return c
}

func (f *filtering) run(ctx context.Context, s streams, files []string) error {
	if err := f.exclusive(); err != nil {
		return err
	}
	format, err := scrub.ParseFormat(f.format)
	if err != nil {
		return cli.Usagef("--format: %w", err)
	}
	policy, err := f.readPolicy(s)
	if err != nil {
		return err
	}
	// A pipe that nobody reads any more is an error to tell, and not the end by a signal.
	signal.Ignore(syscall.SIGPIPE)
	f.prepare(policy, format)
	if len(files) == 0 {
		files = []string{fromStandardInput}
	}
	if err := f.filter(ctx, s, files); err != nil {
		return err
	}
	return f.end(s)
}

// exclusive is the error of flags of which each says what is written in place of the lines.
func (f *filtering) exclusive() error {
	var given []string
	for name, is := range map[string]bool{"--findings": f.findings, "--explain": f.explain, "--dry-run": f.dryRun} {
		if is {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		return cli.Usagef("only one of --findings, --explain and --dry-run can be written in place of the lines")
	}
	return nil
}

func (f *filtering) prepare(p policyOfFile, format scrub.Format) {
	f.options = scrub.FilterOptions{Engine: p.engine, Format: format, Findings: f.findings}
	f.report.Engine = p.engine
	if f.dryRun {
		f.report.Routes = p.routes
		f.options.Render = func(dst []byte, _ *scrub.Line) []byte { return dst }
	}
	if f.dryRun || f.stats {
		f.options.Observe = f.report.Add
		return
	}
	f.options.Observe = func(l *scrub.Line) { f.report.Dropped += int(l.Tally[scrub.Dropped]) }
}

// filter reads the files one after the other. Of one that cannot be read it says so, and goes
// on with the next.
func (f *filtering) filter(ctx context.Context, s streams, files []string) error {
	out := &lineWriter{to: s.out}
	for _, path := range files {
		err := f.one(ctx, s, out, path)
		var written *scrub.OutputError
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &written):
			return fmt.Errorf("write standard output: %w", bare(written.Err))
		default:
			f.failed = true
			fmt.Fprintf(s.err, "gatehouse: %v\n", err)
		}
	}
	return nil
}

func (f *filtering) one(ctx context.Context, s streams, out *lineWriter, path string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the reading where nothing can be written
	in := newInput(ctx, s, path)
	o := f.options
	if f.explain {
		o.Render = func(dst []byte, l *scrub.Line) []byte { return f.appendWhy(dst, in.name, l) }
	}
	if err := out.endLine(); err != nil {
		return &scrub.OutputError{Err: err}
	}
	err := scrub.Filter(in, out, o)
	if in.err != nil {
		return in.err // says what is wrong with the file, by its name
	}
	return err
}

// appendWhy appends a line for each finding: FILE:LINE:START-END: KIND, ACTION: WHY (…).
func (f *filtering) appendWhy(dst []byte, name string, l *scrub.Line) []byte {
	for _, x := range l.Explain() {
		action := f.options.Engine.Action(x.Kind).String()
		if x.Dropped {
			action = "drop"
		}
		dst = fmt.Appendf(dst, "%s:%d:%d-%d: %v, %s: %s (rule %v", name, l.Number, x.Start, x.End, x.Kind, action, x.Why(), x.Rule)
		if field := f.report.Field(l, x); field != scrubreport.None {
			dst = fmt.Appendf(dst, ", field %s", field)
		}
		dst = append(dst, ")\n"...)
	}
	return dst
}

// end says what was found, and returns how the command ends.
func (f *filtering) end(s streams) error {
	if f.dryRun {
		if err := f.report.WriteTable(s.out); err != nil {
			return fmt.Errorf("write standard output: %w", bare(err))
		}
	}
	if f.stats && !f.dryRun {
		if err := f.report.WriteTable(s.err); err != nil {
			return fmt.Errorf("write standard error: %w", bare(err))
		}
	}
	if n := f.report.Dropped; n > 0 {
		fmt.Fprintf(s.err, "gatehouse: texts dropped, since they could not be examined: %d; --explain says which and why\n", n)
	}
	switch {
	case f.failed:
		return exitCode(1)
	case f.strict && f.report.Dropped > 0:
		return exitDropped
	}
	return nil
}

// bare is an error without the path of the descriptor that it is of.
func bare(err error) error {
	if of, ok := errors.AsType[*os.PathError](err); ok {
		return of.Err
	}
	return err
}
