package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// adviseTimeout bounds the reading of all that was observed.
const adviseTimeout = time.Minute

// limitsCommand is about tenant-rate-limit's limits.
func limitsCommand(s streams) *cobra.Command {
	return cli.Group("limits", "propose limits, with what each would have denied", limitsAdviseCommand(s))
}

func limitsAdviseCommand(s streams) *cobra.Command {
	var a advising
	c := plain("advise", "propose limits from what the nodes observed, or from a log", func(ctx context.Context) error { return a.advise(ctx, s) })
	a.addFlags(c.Flags())
	c.PreRunE = func(*cobra.Command, []string) error { return checkRedis(c.Flags(), a.redis) }
	return c
}

// advising is where what was asked for is known from.
type advising struct {
	redis, prefix, traffic string
	top                    int
}

func (a *advising) addFlags(flags *pflag.FlagSet) {
	redisFlag(flags, &a.redis, "the Redis that the nodes count in")
	flags.StringVar(&a.prefix, "prefix", "gatehouse", "the config's redis.key_prefix")
	flags.StringVar(&a.traffic, "traffic", "", "`FILE` of recorded traffic to read in place of Redis: audit records or Kong's log lines, a JSON object a line; - is standard input")
	flags.IntVar(&a.top, "top", 5, "how many of the busiest tenants and routes to list")
}

// advise proposes limits from what the nodes observed, or from a log.
func (a *advising) advise(ctx context.Context, s streams) error {
	var groups usage.Groups
	var err error
	if a.traffic != "" {
		groups, err = recordedTraffic(s, a.traffic)
	} else {
		ctx, cancel := context.WithTimeout(ctx, adviseTimeout)
		defer cancel()
		groups, err = tenantratelimit.Observed(ctx, a.redis, a.prefix)
	}
	if err != nil {
		return err
	}
	advice := usage.Advise(groups)
	if len(advice) == 0 {
		return errors.New("nothing was observed: configs have observe: true unless they say otherwise, and nodes write every ten seconds")
	}
	return printAdvice(s.out, advice, a.top)
}

func recordedTraffic(s streams, file string) (usage.Groups, error) {
	in, name := s.in, "standard input"
	if file != fromStandardInput {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open recorded traffic: %w", err)
		}
		defer f.Close()
		if about, err := f.Stat(); err == nil && about.IsDir() {
			return nil, fmt.Errorf("open recorded traffic: %s is a directory: name a file in it", file)
		}
		in, name = f, file
	}
	var tally usage.Tally
	found, err := tally.ReadRecorded(in)
	if err != nil {
		return nil, err
	}
	if err := nothingRecorded(name, found); err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "read %s; beside them %s of other logs, and %s about which no limit was asked\n",
		number(found.Requests, "request"), number(found.Others, "line"), number(found.Unasked, "request"))
	if found.Redacted > 0 {
		fmt.Fprintf(s.err, "gatehouse: warning: %d of the requests are of users whom the log calls [user]: no limit for a user can be told from them; set pseudonym_key of pii-log-scrub, or read from Redis (--redis)\n", found.Redacted)
	}
	return tally.Groups(), nil
}

// nothingRecorded is the error of a file from which nothing can be told.
func nothingRecorded(name string, found usage.Recorded) error {
	const fix = "give audit records of pii-log-scrub, or the lines of Kong's file-log or http-log, a JSON object a line"
	switch {
	case found.Requests > 0 && found.Requests == found.Unasked:
		return fmt.Errorf("%s: no limit was asked about any of its %d requests: they are exempt, cost 0 or were refused before; give a log of others", name, found.Requests)
	case found.Requests > 0:
		return nil
	case found.Others == 0:
		return fmt.Errorf("%s: it is empty; %s", name, fix)
	}
	return fmt.Errorf("%s: none of its %d lines is the record of a request; line %d, %.60q: %w; %s", name, found.Others, found.First.Number, found.First.Text, found.First.Why, fix)
}

// printAdvice writes a table: for everybody together, then the top groups of
// each scope.
func printAdvice(w io.Writer, advice []usage.Advice, top int) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "scope\tof\tasked for\tpeak a minute\twhose\tlimits a minute, and what each would have denied\t")
	listed := map[string]int{}
	for _, a := range advice {
		if a.Group != "" {
			if listed[a.Scope]++; listed[a.Scope] > top {
				continue
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t\n", a.Scope, usage.Words(a.Group), a.Units, a.Peak, whose(a.Who), choices(a))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write advice: %w", err)
	}
	return printLimits(w, advice)
}

// whose is who had a peak, where the group does not say it.
func whose(key string) string {
	if key == "" {
		return "-"
	}
	return usage.Words(key)
}

func choices(a usage.Advice) string {
	var list []string
	for _, c := range a.Choices {
		share := 0.0
		if a.Units > 0 {
			share = 100 * float64(c.Denied) / float64(a.Units)
		}
		list = append(list, fmt.Sprintf("%d: %d (%.2f%%)", c.Limit, c.Denied, share))
	}
	return strings.Join(list, ", ")
}

// printLimits writes the first choice of each scope as config to start from.
func printLimits(w io.Writer, advice []usage.Advice) error {
	var b strings.Builder
	b.WriteString("\n# Ten times each peak, to start from; mode: shadow shows what a lower one would do.\nlimits:\n")
	for _, a := range advice {
		if a.Group == "" {
			name := strings.ReplaceAll(a.Scope, ", ", "-")
			fmt.Fprintf(&b, "  - { name: %s, scope: [%s], algorithm: fixed_window, limit: %d, window_seconds: 60 }\n", name, a.Scope, a.Choices[0].Limit)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write advice: %w", err)
	}
	return nil
}

// number is a count and what is counted, such as 1 request or 2 requests.
func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
