package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// slips tells of what was mended to read the config, and of nothing that another rule says of
// what stands in for a value.
func (p *pass) slips(slips []kongyaml.Slip) {
	for _, s := range slips {
		f := Finding{Rule: unreadable, Severity: Error, Refused: true, File: s.File, Line: s.Line}
		of := p.config.Whole
		if s.Merged {
			f.Path, of = s.Path.String(), p.entityAt(s.Path)
			f.Entity = named(of)
		}
		switch s.Fault {
		case kongyaml.KeyTwice:
			f.Refused, f.What, f.Fix = false, keyTwice+kongTakesLast, "keep one"
		case kongyaml.KeyNoText:
			f.What, f.Fix = "a key must be a string", "write NAME: VALUE"
		case kongyaml.NoNumber:
			f.What, f.Fix = fmt.Sprintf("%q is no number", s.Value), "write a number, or take out the tag before it"
		case kongyaml.NotFinite:
			f.What, f.Fix = s.Value+": no finite number", "write a number in digits, or take the field out where nothing is to be limited"
			f.Refused = !p.takesInfinity(s, of)
		case kongyaml.VersionNoText:
			f.Rule = "format-version"
			f.What, f.Fix = versionSlip(s.Value)
		case kongyaml.TransformNoBool:
			f.Rule, f.What, f.Fix = "field-type", "expected a boolean", "write true or false, without quotes"
			if s.Value != "" {
				f.What = s.Value + ": " + f.What
			}
		default:
			said := unread(kongyaml.File{Name: s.File}, nil, s.Err.Error())
			f.What, f.Fix = said.What, said.Fix
		}
		if !s.Merged && len(s.Path) > 0 {
			f.What = s.Path.String() + ": " + f.What
		}
		if s.Merged && s.Fault != kongyaml.KeyTwice && s.Fault != kongyaml.KeyNoText {
			p.forget(f)
		}
		p.report.Findings, p.about = append(p.report.Findings, f), append(p.about, of)
	}
}

func versionSlip(value string) (what, fix string) {
	number := strings.TrimLeft(value, "0123456789.") == "" && value != ""
	switch {
	case number && slices.Contains(formatVersions, value):
		return value + ": a number", fmt.Sprintf("write %q", value)
	case number:
		return value + ": a number", `write "3.0"`
	case value != "":
		return fmt.Sprintf("%q: expected one of: %s", value, strings.Join(formatVersions, ", ")), `write "3.0"`
	default:
		return "expected a string", `write "3.0"`
	}
}

// takesInfinity reports whether Kong may take an infinite number: configs of its own plugins
// have fields of any number. In one of an integer it refuses it, and what is no number anywhere.
func (p *pass) takesInfinity(s kongyaml.Slip, of *gateway.Entity) bool {
	_, ours := p.plugins[of.Name()]
	return of.Kind == "plugins" && !ours && !strings.EqualFold(s.Value, ".nan")
}

// entityAt is the innermost entity that a path leads through.
func (p *pass) entityAt(path schema.Path) *gateway.Entity {
	for n := len(path); n > 0; n-- {
		if e := p.config.At(path[:n]); e != nil {
			return e
		}
	}
	return p.config.Whole
}

// forget takes out what was found of a value that only stands in for a slip's.
func (p *pass) forget(slip Finding) {
	for i := len(p.report.Findings) - 1; i >= 0; i-- {
		if f := p.report.Findings[i]; f.Path == slip.Path {
			p.report.Findings, p.about = slices.Delete(p.report.Findings, i, i+1), slices.Delete(p.about, i, i+1)
		}
	}
}
