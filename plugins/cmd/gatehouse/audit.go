package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

// auditCommand is about audit records that were written.
func auditCommand(s streams) *cobra.Command {
	return cli.Group("audit", "verify the chain of audit records, or export some of them", auditVerifyCommand(s), auditExportCommand(s))
}

// stdin is the name of a file that is standard input.
const stdin = "-"

// auditInput is the files that a command line names, or those of the log that
// GATEHOUSE_AUDIT_LOG names.
func auditInput(args []string) ([]auditread.File, error) {
	if len(args) > 0 {
		return auditread.Find(args...)
	}
	target := os.Getenv("GATEHOUSE_AUDIT_LOG")
	if target == "" || target == auditlog.Stdout || target == auditlog.OTLP {
		return nil, cli.Usagef("name a FILE: GATEHOUSE_AUDIT_LOG is %s and names none; %s is standard input",
			cmp.Or(target, "not set"), stdin)
	}
	files, err := auditread.OfLog(target)
	if err == nil && len(files) == 0 {
		err = cli.Usagef("there is no file of the log %s (GATEHOUSE_AUDIT_LOG)", target)
	}
	return files, err
}

// eachLine calls do with the lines of a file and their numbers. Its error is that the
// file could not be read to its end.
func eachLine(ctx context.Context, s streams, path string, do func(n int, line []byte)) error {
	in, err := openAudit(s, path)
	if err != nil {
		return err
	}
	defer in.Close()
	n := 0
	for line, err := range auditread.Lines(in) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("after line %d: %w", n, err)
		}
		n++
		do(n, line)
	}
	return nil
}

func openAudit(s streams, path string) (io.ReadCloser, error) {
	if path != stdin {
		return auditread.Open(path)
	}
	in, err := auditread.Decompress(s.in)
	return io.NopCloser(in), err
}
