package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// findingLine is a finding for people and editors: FILE:LINE: SEVERITY: PATH: … (RULE).
func findingLine(f configcheck.Finding) string {
	return fmt.Sprintf("%s: %v: %v [%s]", f.Position(), f.Severity, f, f.Rule)
}

// writeText prints a line for each finding, and then what was looked at and what was not.
func writeText(w io.Writer, name string, report configcheck.Report) error {
	var text strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintln(&text, findingLine(f))
	}
	fmt.Fprintf(&text, "%s: %s", name, findingCounts(report))
	if len(report.Waived) > 0 {
		fmt.Fprintf(&text, ", %d waived", len(report.Waived))
	}
	fmt.Fprintf(&text, "\nlooked at: %s\n", counted(report.Checked))
	if len(report.Good) > 0 {
		fmt.Fprintf(&text, "good plugin configs: %s\n", counted(report.Good))
	}
	if report.Lifecycle != "" {
		fmt.Fprintf(&text, "life-cycle policy: %s\n", report.Lifecycle)
	}
	for _, skipped := range report.Skipped {
		fmt.Fprintf(&text, "skipped: %s\n", skipped)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// findingCounts says how many findings there are of each severity.
func findingCounts(report configcheck.Report) string {
	if len(report.Findings) == 0 {
		return "good"
	}
	var counts []string
	for _, severity := range []configcheck.Severity{configcheck.Error, configcheck.Warning, configcheck.Info} {
		switch n := report.Count(severity); n {
		case 0:
		case 1:
			counts = append(counts, fmt.Sprintf("1 %v", severity))
		default:
			counts = append(counts, fmt.Sprintf("%d %vs", n, severity))
		}
	}
	return strings.Join(counts, ", ")
}

// counted lists how many there are of each kind.
func counted(kinds map[string]int) string {
	if len(kinds) == 0 {
		return "nothing: there is no entity in it"
	}
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, fmt.Sprintf("%s %d", kind, kinds[kind]))
	}
	return strings.Join(list, ", ")
}

// writeJSON prints a report for programs. Lists that are empty are there.
func writeJSON(w io.Writer, report configcheck.Report) error {
	if report.Findings == nil {
		report.Findings = []configcheck.Finding{}
	}
	if report.Waived == nil {
		report.Waived = []configcheck.Finding{}
	}
	if report.Skipped == nil {
		report.Skipped = []string{}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(report)
}
