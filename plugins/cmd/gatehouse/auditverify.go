package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

func auditVerifyCommand(s streams) *cobra.Command {
	var keyFile string
	var asJSON bool
	c := command("verify [FILE...]", "say what is wrong with the chain of records in the files of a log", func(ctx context.Context, args []string) error {
		keys, err := publicKeys(keyFile)
		if err != nil {
			return err
		}
		files, err := auditInput(args)
		if err != nil {
			return err
		}
		return verifyAudit(ctx, s, files, keys, asJSON)
	})
	c.Flags().StringVar(&keyFile, "key", "", "PEM `FILE` of the public keys to check signatures with, as openssl pkey -pubout writes them")
	c.Flags().BoolVar(&asJSON, "json", false, "write a JSON object for each finding, and one of the sums")
	return c
}

// verifyAudit says what is wrong with the chain of records in the files of a log.
func verifyAudit(ctx context.Context, s streams, files []auditread.File, keys auditchain.PublicKeys, asJSON bool) error {
	if err := oneLog(files); err != nil {
		return err
	}
	out := bufio.NewWriter(s.out)
	report, err := verifyFiles(ctx, s, files, keys, printer(out, asJSON))
	if err := cmp.Or(err, out.Flush()); err != nil {
		return fmt.Errorf("verify audit log: %w", err)
	}
	if report.Breaks > 0 {
		return exitCode(1)
	}
	return nil
}

func publicKeys(file string) (auditchain.PublicKeys, error) {
	if file == "" {
		return nil, nil
	}
	keys, err := auditchain.ReadPublicKeys(file)
	if err != nil {
		return nil, cli.Usagef("--key: %w", err)
	}
	return keys, nil
}

// oneLog is the error of files of several logs, whose chains know nothing of each other.
func oneLog(files []auditread.File) error {
	log := ""
	for _, f := range files {
		if log != "" && f.Log != "" && f.Log != log {
			return cli.Usagef("%s and %s are two logs: name the files of one", log, f.Log)
		}
		log = cmp.Or(f.Log, log)
	}
	return nil
}

// verifyFiles tells print what it finds, and at last the sums.
func verifyFiles(ctx context.Context, s streams, files []auditread.File, keys auditchain.PublicKeys, print func(any)) (auditchain.Report, error) {
	v := auditchain.NewVerifier(keys, func(f auditchain.Finding) { print(f) })
	for _, f := range files {
		err := eachLine(ctx, s, f.Path, func(n int, line []byte) {
			v.Line(auditchain.Place{File: f.Path, Line: n}, line)
		})
		if ctx.Err() != nil {
			return auditchain.Report{}, ctx.Err()
		}
		if err != nil {
			v.Add(auditchain.Finding{Kind: auditchain.Unread, Place: auditchain.Place{File: f.Path}, Text: err.Error()})
		}
	}
	sums := verified{len(files), v.Finish()}
	print(sums)
	return sums.Report, nil
}

// printer prints findings and sums as lines. A failure to write shows when w is flushed.
func printer(w io.Writer, asJSON bool) func(any) {
	if asJSON {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		return func(v any) { _ = out.Encode(v) }
	}
	return func(v any) { _, _ = fmt.Fprintln(w, v) }
}

// verified is the sums over all files.
type verified struct {
	Files int `json:"files"`
	auditchain.Report
}

// String is one line.
func (v verified) String() string {
	verdict := "whole"
	if v.Breaks > 0 {
		verdict = "broken"
	}
	return fmt.Sprintf("%s: breaks %d, notices %d; files %d, lines %d; chains %d, lines in them %d, vouched for %d, from %s to %s; records before them %d, lines of other logs %d",
		verdict, v.Breaks, v.Notices, v.Files, v.Lines, v.Chains, v.Chained, v.Covered, cmp.Or(v.Since, "-"), cmp.Or(v.Until, "-"), v.Before, v.Others)
}
