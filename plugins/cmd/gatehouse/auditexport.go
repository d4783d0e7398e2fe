package main

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

func auditExportCommand(s streams) *cobra.Command {
	var o exporting
	c := command("export [FILE...]", "print the records of a tenant, user, consumer, request or time", nil)
	o.addFlags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		query, err := o.read(c.Flags())
		if err != nil {
			return err
		}
		files, err := auditInput(args)
		if err != nil {
			return err
		}
		return exportAudit(c.Context(), s, query, files)
	}
	return c
}

// exportAudit writes the records that are asked for as they are. What it could not read
// it tells of, and goes on.
func exportAudit(ctx context.Context, s streams, query auditread.Query, files []auditread.File) error {
	out := bufio.NewWriter(s.out)
	found, failed := 0, false
	for _, f := range files {
		damaged := 0
		err := eachLine(ctx, s, f.Path, func(_ int, line []byte) {
			wanted, err := query.Match(line)
			if err != nil {
				damaged++
			}
			if wanted {
				found++
				_, _ = out.Write(line) // an error shows in Flush
				_ = out.WriteByte('\n')
			}
		})
		if err := out.Flush(); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = tellUnread(s, f.Path, damaged, err) || failed
	}
	fmt.Fprintf(s.err, "%d records of %d files\n", found, len(files))
	if failed {
		return exitCode(1)
	}
	return nil
}

// tellUnread tells of what could not be read of a file, if anything.
func tellUnread(s streams, path string, damaged int, err error) bool {
	if damaged > 0 {
		fmt.Fprintf(s.err, "gatehouse: %s: lines that are no JSON, cut off or damaged: %d\n", path, damaged)
	}
	if err != nil {
		fmt.Fprintf(s.err, "gatehouse: %s: not read to its end: %v\n", path, err)
	}
	return damaged > 0 || err != nil
}

// exporting is which records are exported, as the flags say.
type exporting struct {
	query        auditread.Query
	since, until string
}

func (o *exporting) addFlags(flags *pflag.FlagSet) {
	q := &o.query
	flags.StringVar(&q.Tenant, "tenant", "", "records of this tenant, as it stands in the record")
	flags.StringVar(&q.Consumer, "consumer", "", "records of this consumer")
	flags.StringVar(&q.User, "user", "", "records of this user: the pseudonym that stands in the record")
	flags.StringVar(&q.RequestID, "request-id", "", "the record of this request")
	flags.StringVar(&o.since, "since", "", "records from then on: 2026-01-31 (midnight UTC), 2026-01-31T09:30:00Z, or how long ago, as 36h or 90d")
	flags.StringVar(&o.until, "until", "", "records before then, written as --since")
}

func (o *exporting) read(flags *pflag.FlagSet) (q auditread.Query, err error) {
	if err := someSet(flags); err != nil {
		return q, err
	}
	q = o.query
	if q.Since, err = moment("since", o.since); err != nil {
		return q, err
	}
	if q.Until, err = moment("until", o.until); err != nil {
		return q, err
	}
	if !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return q, cli.Usagef("--until: %s is not after --since", o.until)
	}
	return q, nil
}

// someSet is the error of no flags, which would mean all records, and of one without a
// value, which would mean those of everybody.
func someSet(flags *pflag.FlagSet) (err error) {
	if flags.NFlag() == 0 {
		return cli.Usagef("name one at least of --tenant, --consumer, --user, --request-id, --since and --until")
	}
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.String() == "" {
			err = cli.Usagef("--%s is empty: give it a value or leave it out", f.Name)
		}
	})
	return err
}

func moment(name, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := auditread.ParseTime(value, time.Now())
	if err != nil {
		return t, cli.Usagef("--%s: %w", name, err)
	}
	return t, nil
}
