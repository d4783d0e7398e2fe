package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/endings"
)

// maxReportDays is how many days of calls are kept.
const maxReportDays = 90

// reporting is one report.
type reporting struct {
	layers
	callerSource
	format string
	ask    endings.Ask
}

func sunsetReportCommand(s streams) *cobra.Command {
	var r reporting
	c := command("report [ROUTE...]", "say who still calls, and has to be written to: what breaks first comes first", func(ctx context.Context, routes []string) error {
		if r.ask.Days < 1 || r.ask.Days > maxReportDays {
			return cli.Usagef("--days %d: write 1 to %d", r.ask.Days, maxReportDays)
		}
		return r.report(ctx, s, routes)
	})
	c.Example = `  gatehouse sunset report --config kong.yaml
  gatehouse sunset report --config kong.yaml --if-sunset-today -o csv >write-to.csv`
	flags := c.Flags()
	r.layers.addFlags(flags)
	r.callerSource.addFlags(flags)
	flags.IntVar(&r.ask.Days, "days", 7, "how many days of calls count, today's included")
	flags.BoolVar(&r.ask.IfSunsetToday, "if-sunset-today", false, "say who would break if the versions ended now")
	cli.Output(flags, &r.format, "text", "json", "csv")
	c.PreRunE = func(*cobra.Command, []string) error { return r.check() }
	return c
}

func (r *reporting) report(ctx context.Context, s streams, routes []string) error {
	list, unread, err := versions(&r.layers, routes)
	if err != nil {
		return err
	}
	warnUnread(s, unread)
	records, err := r.recorded(ctx, list)
	if err != nil {
		return err
	}
	r.ask.At = time.Now()
	report := endings.New(list, unread, records, r.ask)
	if len(routes) > 0 {
		report.Unknown = nil // they were not asked for
	}
	switch r.format {
	case "json":
		return encodeReport(s.out, &report)
	case "csv":
		return report.CSV(s.out)
	}
	return printReport(s.out, &report)
}

func encodeReport(w io.Writer, report *endings.Report) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	if err := out.Encode(report); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// printReport writes a table, and a line for each version that nobody calls.
func printReport(w io.Writer, r *endings.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "route\tconsumer\ttenant\tends\tthen\tcalls in %dd\trefused\tlast seen\tuser agents\n", r.Days)
	for i := range r.Rows {
		row := &r.Rows[i]
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", row.Route, row.Consumer, dash(row.Tenant), ends(row.Ends, r.At), row.Then,
			row.Calls, refusals(row), row.Last.Format(time.DateOnly), dash(strings.Join(row.Agents, ", ")))
	}
	if len(r.Rows) > 0 {
		if err := table.Flush(); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	} else if r.IfSunsetToday {
		_, _ = fmt.Fprintln(w, nobodyBreaks(r))
	}
	for _, v := range r.Silent {
		_, _ = fmt.Fprintln(w, silence(v, r))
	}
	for _, route := range r.Unknown {
		_, _ = fmt.Fprintf(w, "%s: it has callers, and is no route of a version in this config\n", route)
	}
	return nil
}

// nobodyBreaks says no more than is known.
func nobodyBreaks(r *endings.Report) string {
	if slices.ContainsFunc(r.Silent, func(v endings.Silent) bool { return !v.Known() }) {
		return "nobody would break, of whom it is known that they call"
	}
	return "nobody would break"
}

// silence says since when nobody calls a version.
func silence(v endings.Silent, r *endings.Report) string {
	switch {
	case v.Unnamed:
		return v.Route + ": not known, since the route has no name, and Kong records who calls under an id that it makes: write a name"
	case !v.Recorded && v.Since.IsZero():
		return v.Route + ": not known, since nobody records it: write observe: true"
	case !v.Recorded:
		return fmt.Sprintf("%s: not known, since nobody records it; the last call that was is of %s: write observe: true", v.Route, v.Since.Format(time.DateOnly))
	case v.Since.IsZero():
		return v.Route + ": not known: no node has recorded a call of it in its Redis under its key_prefix, as where Kong does not run this config: call it once, and ask again"
	}
	return fmt.Sprintf("%s: nobody since %s (ends %s)", v.Route, v.Since.Format(time.DateOnly), ends(v.Ends, r.At))
}

// ends is when a version ends, and how far off that is.
func ends(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	const day = 24 * time.Hour
	days := int(at.Sub(now) / day)
	switch {
	case at.Before(now):
		return fmt.Sprintf("%s, %dd ago", at.UTC().Format(time.DateOnly), int(now.Sub(at)/day))
	case days == 0:
		return at.UTC().Format(time.DateOnly) + ", within a day"
	}
	return fmt.Sprintf("%s, in %dd", at.UTC().Format(time.DateOnly), days)
}

// refusals are the calls that were not served, or would not have been.
func refusals(row *endings.Row) string {
	var list []string
	for _, of := range []struct {
		n    int64
		what string
	}{{row.Refused, ""}, {row.Redirected, " redirected"}, {row.Would, " in a dry run"}} {
		if of.n > 0 {
			list = append(list, fmt.Sprintf("%d%s", of.n, of.what))
		}
	}
	return dash(strings.Join(list, ", "))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
