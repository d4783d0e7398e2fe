package scrub

import (
	"encoding/json"
	"fmt"
	"testing"
)

// mostLosing is the share of a format's clean lines that may lose anything but a part of
// an address.
const mostLosing = 0.005

// TestCleanLines holds each format to its share of clean lines that lose something, and
// prints the table.
func TestCleanLines(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	const lines = 1000
	table := fmt.Sprintf("Clean lines, by format\n%-26s %6s %6s %8s\n", "format", "lines", "losing", "share")
	for i, f := range logFormats {
		p, losing := newPlanter(uint64(100+i)), 0
		for range lines {
			line, addresses := p.line(f)
			lost := loses(e, line, addresses)
			if lost == "" {
				continue
			}
			losing++
			if *showAll {
				t.Logf("%s: %s\n%s", f.name, lost, line)
			}
		}
		share := float64(losing) / lines
		table += fmt.Sprintf("%-26s %6d %6d %7.2f%%\n", f.name, lines, losing, 100*share)
		if share > mostLosing {
			t.Errorf("%s: %.2f%% of clean lines lose something, at most %.1f%% may", f.name, 100*share, 100*mostLosing)
		}
	}
	fmt.Fprint(t.Output(), table)
}

// loses says what a line loses that is no part of one of its addresses, "" if nothing.
func loses(e *Engine, line string, addresses map[string]bool) string {
	for _, one := range e.Findings(nil, []byte(line), FormatText) {
		if value := line[one.Start:one.End]; one.Kind != IP || !addresses[value] {
			return fmt.Sprintf("%s %q", one.Kind, value)
		}
	}
	out, _ := e.Text(nil, []byte(line))
	if json.Valid([]byte(line)) && !json.Valid(out) {
		return "its form as JSON"
	}
	return ""
}
