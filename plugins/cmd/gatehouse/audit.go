package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

// auditFiles runs the commands about audit records that were written.
func auditFiles(ctx context.Context, s streams, args []string) error {
	switch {
	case len(args) > 0 && args[0] == "verify":
		return verifyAudit(ctx, s, args[1:])
	case len(args) > 0 && args[0] == "export":
		return exportAudit(ctx, s, args[1:])
	}
	return fmt.Errorf("%w: gatehouse audit verify|export [flags] [FILE…]; -h after either says which flags", errUsage)
}

// stdin is the name of a file that is standard input.
const stdin = "-"

// auditInput is the files that a command line names, or those of the log that
// GATEHOUSE_AUDIT_LOG names.
func auditInput(flags *flag.FlagSet) ([]auditread.File, error) {
	if flags.NArg() > 0 {
		return auditread.Find(flags.Args()...)
	}
	target := os.Getenv("GATEHOUSE_AUDIT_LOG")
	if target == "" || target == auditlog.Stdout || target == auditlog.OTLP {
		return nil, fmt.Errorf("%w: %s FILE…: GATEHOUSE_AUDIT_LOG is %s and names no file; %s is standard input",
			errUsage, flags.Name(), cmp.Or(target, "not set"), stdin)
	}
	files, err := auditread.OfLog(target)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%w: %s: there is no file of the log %s (GATEHOUSE_AUDIT_LOG)", errUsage, flags.Name(), target)
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
