package configcheck

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// lineIn is where an error says that it is.
var lineIn = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// NotReadable is the report of a config that is none, with a finding for each line of the
// error. A line names the file if it is an overlay.
func NotReadable(base kongyaml.File, overlays []kongyaml.File, err error) Report {
	var report Report
	for line := range strings.SplitSeq(err.Error(), "\n") {
		report.Findings = append(report.Findings, unread(base, overlays, line))
	}
	return report
}

// NoFile is the report of a config of which a file cannot be read.
func NoFile(name string, err error) Report {
	what, fix, said := cutLast(oneLine(err.Error()), "; ")
	if !said {
		fix = "name files that are there and can be read"
	}
	return Report{Findings: []Finding{{Rule: unreadable, Severity: Error, Refused: true, File: name, What: what, Fix: fix}}}
}

func unread(base kongyaml.File, overlays []kongyaml.File, line string) Finding {
	f := Finding{Rule: unreadable, Severity: Error, Refused: true, File: base.Name, Fix: whatKongReads}
	f.What = strings.TrimPrefix(line, "parse ")
	text := base.Text
	for _, file := range append([]kongyaml.File{base}, overlays...) {
		if rest, ok := strings.CutPrefix(f.What, file.Name+": "); ok {
			f.What, f.File, text = rest, file.Name, file.Text
			break
		}
	}
	if at := lineIn.FindStringSubmatch(f.What); at != nil {
		f.Line, _ = strconv.Atoi(at[1]) // digits
		f.What = strings.TrimPrefix(f.What, at[0])
	}
	f.What = strings.TrimPrefix(f.What, "yaml: ")
	if what, fix, ok := strings.Cut(f.What, ": write "); ok { // it says itself what to do
		f.What, f.Fix = what+": no text", "write "+fix
	}
	switch {
	case len(text) > 0 && empty(text):
		f.What, f.Fix = "there is nothing in it but comments", whatToBegin
	case base.Text != nil && len(text) == 0:
		f.What, f.Fix = "it is empty", whatToBegin
	case tabbed(text, f.Line):
		f.What, f.Fix = "a tab in the indentation, which YAML does not allow", "indent with spaces"
	case strings.Contains(f.What, "UTF-8"):
		f.What, f.Fix = "a byte that is no UTF-8", "save the file as UTF-8"
		f.Line = lineOfNoUTF8(text)
	case strings.HasSuffix(f.What, keyTwice):
		f.Refused, f.What, f.Fix = false, f.What+kongTakesLast, "keep one"
	case f.Line > 0 && f.Fix == whatKongReads:
		f.Line, f.What, f.Fix = slip(text, f.Line, f.What)
	}
	return f
}

const (
	whatToBegin   = `write _format_version: "3.0", and services, routes and plugins`
	whatKongReads = "correct it: Kong reads one mapping in YAML or JSON"
)

// keyTwice is the only complaint about a text that Kong reads all the same.
const keyTwice = "key given twice"

const kongTakesLast = ": Kong takes the last, and says nothing"

// empty reports whether a text has no line but comments.
func empty(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// tabbed reports whether the indentation of a line has a tab.
func tabbed(text []byte, line int) bool {
	lines := bytes.Split(text, []byte("\n"))
	if line < 1 || line > len(lines) {
		return false
	}
	whole := lines[line-1]
	indentation := whole[:len(whole)-len(bytes.TrimLeft(whole, " \t"))]
	return bytes.ContainsRune(indentation, '\t')
}

// lineOfNoUTF8 is the first line with a byte that is no UTF-8, 0 if there is none.
func lineOfNoUTF8(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		if n++; !utf8.Valid(line) {
			return n
		}
	}
	return 0
}
