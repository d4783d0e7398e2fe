package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// adviseTimeout bounds the reading of all that was observed.
const adviseTimeout = time.Minute

// limits runs the commands about tenant-rate-limit's limits.
func limits(ctx context.Context, s streams, args []string) error {
	if len(args) == 0 || args[0] != "advise" {
		return fmt.Errorf("%w: gatehouse limits advise [flags]", errUsage)
	}
	return adviseLimits(ctx, s, args[1:])
}

// adviseLimits proposes limits from what the nodes observed, or from a log.
func adviseLimits(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "limits advise")
	url := flags.String("redis", cmp.Or(os.Getenv("REDIS_URL"), "redis://127.0.0.1:6379/0"), "the Redis that the nodes count in (REDIS_URL)")
	prefix := flags.String("prefix", "gatehouse", "the config's redis.key_prefix")
	traffic := flags.String("traffic", "", "recorded traffic to read in place of Redis: audit records or Kong's log lines, a JSON object a line; - is standard input")
	top := flags.Int("top", 5, "how many of the busiest tenants and routes to list")
	if handled, err := parse(flags, args); handled {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	var groups usage.Groups
	var err error
	if *traffic != "" {
		groups, err = recordedTraffic(s, *traffic)
	} else {
		ctx, cancel := context.WithTimeout(ctx, adviseTimeout)
		defer cancel()
		groups, err = tenantratelimit.Observed(ctx, *url, *prefix)
	}
	if err != nil {
		return err
	}
	advice := usage.Advise(groups)
	if len(advice) == 0 {
		return errors.New("nothing was observed: configs have observe: true unless they say otherwise, and nodes write every ten seconds")
	}
	return printAdvice(s.out, advice, *top)
}

func recordedTraffic(s streams, file string) (usage.Groups, error) {
	in := s.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open recorded traffic: %w", err)
		}
		defer f.Close()
		in = f
	}
	var tally usage.Tally
	requests, skipped, err := tally.ReadRecorded(in)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "read %d requests; passed over %d lines that are none\n", requests, skipped)
	return tally.Groups(), nil
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
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\t\n", a.Scope, cmp.Or(a.Group, "all"), a.Units, a.Peak, cmp.Or(a.Who, "-"), choices(a))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write advice: %w", err)
	}
	return printLimits(w, advice)
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
