package configcheck

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// Severity says how bad a finding is.
type Severity int

// The severities, the worst last.
const (
	// Info is what an operator may want to know.
	Info Severity = iota
	// Warning is what is rarely meant.
	Warning
	// Error is a mistake: a config with one is not to be released.
	Error
)

var severities = []string{"info", "warning", "error"}

func (s Severity) String() string { return severities[s] }

// MarshalText writes a severity as it is called.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity by what it is called.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities, string(text))
	if i < 0 {
		return fmt.Errorf("%q is no severity; write error, warning or info", text)
	}
	*s = Severity(i)
	return nil
}

// Finding is one thing that is wrong.
type Finding struct {
	// Rule is the name of the rule that found it: see [Rules].
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Refused says that Kong refuses the config for it.
	Refused bool `json:"refused"`
	// File and Line are where it is written; Line is from 1, and 0 for the whole of it.
	File string `json:"file"`
	Line int    `json:"line"`
	// Path leads there in the merged config, such as services[0].plugins[1].config.limits.
	Path string `json:"path"`
	// Entity is the name of the entity that it is about, empty if it has none.
	Entity string `json:"entity"`
	// What says what is wrong, and Fix what to do about it. Neither shows a secret.
	What string `json:"problem"`
	Fix  string `json:"fix"`
	// Waived is the reason for which it is left as it is; empty if it is not.
	Waived string `json:"waived,omitempty"`
}

// Position is the file and, where one is known, the line.
func (f Finding) Position() string {
	if f.Line == 0 {
		return f.File
	}
	return kongyaml.Position{File: f.File, Line: f.Line}.String()
}

// String is a finding in one line, without its position.
func (f Finding) String() string {
	text := f.What
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	if f.Entity != "" {
		text += " (" + f.Entity + ")"
	}
	return text
}

// Report is what was found.
type Report struct {
	// Findings are in the order of the files' lines, and Waived those that the config says are
	// meant.
	Findings []Finding `json:"findings"`
	Waived   []Finding `json:"waived"`
	// Checked counts the entities that were looked at, by kind.
	Checked map[string]int `json:"checked"`
	// Good are the configs of our plugins without a mistake, by the plugins' names.
	Good map[string]int `json:"good"`
	// Lifecycle is the file of the policy that versions are held to, or says that the default
	// one holds. It is empty where they are held to none.
	Lifecycle string `json:"lifecycle,omitempty"`
	// Skipped says what was not looked at, and who does.
	Skipped []string `json:"skipped"`
}

// Worst is the worst severity of a report's findings, [Info] if it has none.
func (r Report) Worst() Severity {
	worst := Info
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Refused reports whether Kong would refuse the config.
func (r Report) Refused() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Refused })
}

// Count is how many findings are of a severity.
func (r Report) Count(of Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == of {
			n++
		}
	}
	return n
}

// sorted has findings in the order in which they are read, file by file as the files are given.
func sorted(findings []Finding, files []string) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(slices.Index(files, a.File)-slices.Index(files, b.File), a.Line-b.Line)
	})
	return findings
}
