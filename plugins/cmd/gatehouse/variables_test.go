package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnknownVariables(t *testing.T) {
	got := unknownVariables([]string{
		"GATEHOUSE_LOG_PHASES=event", "GATEHOUSE_AUDITLOG=x", "GATEHOUSE_COLOUR=red", "GATEHOUSE_HTTP=:1", "KONG_PREFX=/", "PATH=/bin",
		"GATEHOUSE_SMOKE_TOKEN_WEB_APP=x", "GATEHOUSE_SMOKE_TOKN=x",
		"GATEHOUSE_SERVICE_HOST=10.0.0.1", "GATEHOUSE_REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "GATEHOUSE_PORT=tcp://10.0.0.1:80",
	})
	want := []string{
		"GATEHOUSE_AUDITLOG (GATEHOUSE_AUDIT_LOG?)", "GATEHOUSE_COLOUR", "GATEHOUSE_LOG_PHASES (GATEHOUSE_LOG_PHASE?)", "GATEHOUSE_SMOKE_TOKN (GATEHOUSE_SMOKE_TOKEN?)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unknown variables (-want +got):\n%s", diff)
	}
}

// TestServeWarnsOfVariables: in one line.
func TestServeWarnsOfVariables(t *testing.T) {
	for name, want := range map[string]int{"GATEHOUSE_LOG_PHASES": 1, "GATEHOUSE_LOG_PHASE": 0} {
		var log bytes.Buffer
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "event")
			warnOfVariables(slog.New(slog.NewJSONHandler(&log, nil)))
		})
		if got := strings.Count(log.String(), name); strings.Count(log.String(), "\n") != want || want == 1 && got == 0 {
			t.Errorf("%s: %s", name, &log)
		}
	}
}

// TestVariablesAreAll: what a document, the help or the code names is known, and what is known
// is named in a document.
func TestVariablesAreAll(t *testing.T) {
	const root = "../../.."
	named := map[string]bool{}
	variable := regexp.MustCompile(`\b(?:GATEHOUSE_)([A-Z]+(?:_[A-Z]+)*)\b`)
	read := func(pattern string) {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, error %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range variable.FindAllStringSubmatch(string(text), -1) {
				named[found[1]] = true
			}
		}
	}
	read("README.md")
	read("docs/*.md")
	read("docs/plugins/*.md")
	for name := range named {
		if !slices.Contains(variables, name) && !ofConsumers.MatchString(name) {
			t.Errorf("a document names GATEHOUSE_%s, which is not in variables", name)
		}
	}
	for _, name := range variables {
		if !named[name] {
			t.Errorf("no document names GATEHOUSE_%s", name)
		}
	}
	for _, one := range commands(streams{}).Commands() {
		for _, found := range variable.FindAllStringSubmatch(one.Flags().FlagUsages()+one.Long, -1) {
			if !slices.Contains(variables, found[1]) && !ofConsumers.MatchString(found[1]) {
				t.Errorf("the help of %s names GATEHOUSE_%s, which is not in variables", one.Name(), found[1])
			}
		}
	}
}

// TestVariablesOfCommands: a variable with a slip is told by what asks for it, and never to who
// reads the answer alone.
func TestVariablesOfCommands(t *testing.T) {
	t.Setenv("GATEHOUSE_HTPT", "127.0.0.1:1")
	const want = "GATEHOUSE_HTPT (GATEHOUSE_HTTP?)"
	for _, args := range [][]string{{"health"}, {"check", "-"}, {"limits", "advise", "-traffic", "."}} {
		if _, errs, _ := gatehouse(t, "", args...); strings.Count(errs, want) != 1 {
			t.Errorf("%q says %s", args, errs)
		}
	}
	if _, errs, code := gatehouse(t, "", "info", "trace-inject"); code != 0 || errs != "" {
		t.Errorf("info: exit code %d, %s", code, errs)
	}
}

// TestRedisOfHelp: the help shows no password of the environment's.
func TestRedisOfHelp(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://:hunter2@redis.internal:6379/0")
	for _, args := range [][]string{{"limits", "advise"}, {"keys", "list"}, {"keys", "revoke"}, {"sunset", "report"}} {
		out, errs, code := gatehouse(t, "", append(args, "--help")...)
		if code != 0 || strings.Contains(out+errs, "hunter2") || !strings.Contains(strings.Join(strings.Fields(out), " "), "$REDIS_URL, or redis://127.0.0.1:6379/0") {
			t.Errorf("%q: exit code %d, %s%s", args, code, out, errs)
		}
	}
}

// TestNoFile: what cannot be read is told with what to do.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"no such file or directory; name a file that is there": {"check", filepath.Join(dir, "nope.yaml")},
		"is a directory; name the files in it":                 {"check", dir},
		"is a directory: name a file in it":                    {"limits", "advise", "--traffic", dir},
	} {
		if _, errs, code := gatehouse(t, "", args...); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, %s, want %s", args, code, errs, want)
		}
	}
}
