package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/apikey"
	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

func keysListCommand(s streams) *cobra.Command {
	var path string
	var source usageSource
	c := command("list [CONSUMER]", "say which keys there are, and when each was last seen", func(ctx context.Context, args []string) error {
		return listKeys(ctx, s, path, &source, args)
	})
	keysFlag(c.Flags(), &path)
	source.addFlags(c.Flags())
	c.PreRunE = func(*cobra.Command, []string) error { return checkRedis(c.Flags(), source.url) }
	return c
}

// listKeys prints which keys there are, of one consumer or of all, and what is known of their
// use. It shows no key.
func listKeys(ctx context.Context, s streams, path string, source *usageSource, of []string) error {
	set, err := partnerkeys.Read(path)
	if err != nil {
		return err
	}
	listed := set.All()
	switch len(of) {
	case 0:
	case 1:
		if listed = set.Of(of[0]); len(listed) == 0 {
			return fmt.Errorf("consumer %q has no key in %s: list without it shows who has", of[0], path)
		}
	default:
		return cli.Usagef("name one CONSUMER, or none")
	}
	now, known := time.Now(), source.read(ctx)
	if err := known.Doubt(inUse, now); err != nil {
		fmt.Fprintf(s.err, "gatehouse: warning: when keys were last seen is not known: %v\n", err)
	}
	return printKeys(s.out, listed, known, now)
}

func printKeys(w io.Writer, list []partnerkeys.Key, known partnerkeys.Usage, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "consumer\tid\tkey\tage\toverlap\tlast seen")
	for _, k := range list {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Consumer, k.ID, apikey.Hint(k.Text),
			partnerkeys.Short(now.Sub(k.Created)), overlapOf(k, now), lastSeen(known, k, now))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}

// overlapOf is how much of a key's overlap is left.
func overlapOf(k partnerkeys.Key, now time.Time) string {
	switch {
	case k.Ends.IsZero():
		return "-"
	case k.Ended(now):
		return "over since " + partnerkeys.Short(now.Sub(k.Ends))
	}
	return "ends in " + partnerkeys.Short(k.Ends.Sub(now))
}

func lastSeen(known partnerkeys.Usage, k partnerkeys.Key, now time.Time) string {
	last := known.Last(k)
	switch {
	case !last.IsZero():
		return partnerkeys.Short(max(0, now.Sub(last))) + " ago"
	case known.Doubt(inUse, now) != nil:
		return "not known"
	}
	return "never"
}
