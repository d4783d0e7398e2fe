package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

// exportAudit writes the records that are asked for as they are. What it could not read
// it tells of, and goes on.
func exportAudit(ctx context.Context, s streams, args []string) error {
	query, files, handled, err := parseExport(s, args)
	if handled || err != nil {
		return err
	}
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

func parseExport(s streams, args []string) (q auditread.Query, files []auditread.File, handled bool, err error) {
	flags := newFlags(s, "audit export")
	flags.StringVar(&q.Tenant, "tenant", "", "records of this tenant, as it stands in the record")
	flags.StringVar(&q.Consumer, "consumer", "", "records of this consumer")
	flags.StringVar(&q.User, "user", "", "records of this user: the pseudonym that stands in the record")
	flags.StringVar(&q.RequestID, "request-id", "", "the record of this request")
	since := flags.String("since", "", "records from then on: 2026-01-31 (midnight UTC), 2026-01-31T09:30:00Z, or how long ago, as 36h or 90d")
	until := flags.String("until", "", "records before then, written as -since")
	if handled, err := parse(flags, args); handled {
		return q, nil, true, err
	}
	if err := someSet(flags); err != nil {
		return q, nil, false, err
	}
	if q.Since, err = moment("since", *since); err != nil {
		return q, nil, false, err
	}
	if q.Until, err = moment("until", *until); err != nil {
		return q, nil, false, err
	}
	if !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return q, nil, false, fmt.Errorf("%w: -until: %s is not after -since", errUsage, *until)
	}
	files, err = auditInput(flags)
	return q, files, false, err
}

// someSet is the error of no flags, which would mean all records, and of one without a
// value, which would mean those of everybody.
func someSet(flags *flag.FlagSet) (err error) {
	if flags.NFlag() == 0 {
		return fmt.Errorf("%w: %s takes one at least of -tenant, -consumer, -user, -request-id, -since and -until", errUsage, flags.Name())
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			err = fmt.Errorf("%w: -%s is empty: give it a value or leave it out", errUsage, f.Name)
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
		return t, fmt.Errorf("%w: -%s: %w", errUsage, name, err)
	}
	return t, nil
}
