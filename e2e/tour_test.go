package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/markdown"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// TestTour runs README.md's tour as it is printed, at this gateway, and wants what the page
// says that each step prints. A "…" stands for what differs: in a line for a part of it, as
// a line for any lines.
func TestTour(t *testing.T) {
	if gate.bin == "" || gate.fileLog != "" {
		t.Skip("the tour is of what make run starts")
	}
	doc, err := markdown.Read("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := tourOf(doc)
	if len(steps) < 5 {
		t.Fatalf("the tour has %d steps with what they print", len(steps))
	}
	before := "" // what the steps before have set
	for _, step := range steps {
		script, printed := pasted(step.script), ""
		t.Cleanup(func() { t.Logf("%s\n%s", step.script, printed) })
		eventually(t, "what the tour says of\n"+step.script, func() bool {
			forgetCounts(t, "initech")
			cmd := exec.CommandContext(t.Context(), "bash", "-c", before+script)
			cmd.Dir = root(t)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", step.script, err, out)
			}
			printed = withoutMeter(string(out))
			return step.prints.MatchString(printed)
		})
		for line := range strings.Lines(script) {
			if strings.HasPrefix(line, "WEB=") {
				before += line
			}
		}
	}
}

// forgetCounts has a tenant begin anew with its limits, which a try that came too late has
// used up.
func forgetCounts(t *testing.T, tenant string) {
	t.Helper()
	client, err := redisurl.Open(redisURL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*"+tenant+"*").Result()
	if err == nil && len(keys) > 0 {
		err = client.Unlink(t.Context(), keys...).Err()
	}
	if err != nil {
		t.Fatalf("forget the counts of %s: %v", tenant, err)
	}
}

// tourStep is a piece of the tour to paste, and what it prints.
type tourStep struct {
	script string
	prints *regexp.Regexp
}

// tourOf are the blocks of the tour that have what they print behind them.
func tourOf(doc *markdown.Document) (steps []tourStep) {
	for i, b := range doc.Blocks[:len(doc.Blocks)-1] {
		next := doc.Blocks[i+1]
		if b.Anchor == "a-tour-of-five-minutes" && b.Language == "sh" && next.Language == "text" {
			steps = append(steps, tourStep{b.Text, masked(next.Text)})
		}
	}
	return steps
}

// masked is the pattern of an output in which "…" stands for what differs.
func masked(output string) *regexp.Regexp {
	var pattern strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(output, "\n") + "\n") {
		if line == "…\n" {
			pattern.WriteString(`(?:.*\n)*`)
			continue
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		pattern.WriteString(strings.Join(parts, `.*`) + `\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`)
}

// withoutMeter is what curl printed, with a line's end as in a document, without the meter
// that it draws where its output is no terminal.
func withoutMeter(out string) string {
	var kept strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(out, "\r\n", "\n")) {
		if !meter.MatchString(line) {
			kept.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	return kept.String()
}

var meter = regexp.MustCompile(`^( *% Total| *Dload|.*\r|[ 0-9:.kM-]*$)`)

// pasted is a piece of the tour for this gateway's ports and folders.
func pasted(script string) string {
	return strings.NewReplacer(
		"$(make -s token TENANT=acme USER=u1)", "$(AUTH_CONTROL_PORT="+port(gate.ports.AuthControl.Addr())+" "+filepath.Join(gate.bin, "stack")+" token --tenant acme --user u1)",
		"localhost:8000", gate.ports.Proxy.Addr(), "localhost:4318", gate.ports.OTLP.Addr(), ".dev/logs", filepath.Join(gate.bin, "logs"),
		"curl ", "curl -sS ",
	).Replace(script)
}

func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }
