package main

import (
	"os"
	"strings"
	"testing"
)

const lifecyclePage = "../../../docs/api-lifecycle.md"

// blockAfter is the YAML that follows a mark in a document.
func blockAfter(t *testing.T, mark string) string {
	t.Helper()
	text, err := os.ReadFile(lifecyclePage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- "+mark+" -->\n```yaml\n")
	block, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatalf("the document has nothing that is %s", mark)
	}
	return block
}

// TestLifecycleDocument: who copies the config of docs/api-lifecycle.md has one that is
// right, by the policy that is there too, and it has every way to brown out.
func TestLifecycleDocument(t *testing.T) {
	config := blockAfter(t, "checked")
	for _, field := range []string{"brownouts:", "brownout_schedules:", "brownout_shares:", "redirect_methods:", "dry_run:"} {
		if !strings.Contains(config, field) {
			t.Errorf("the config shows no %s", field)
		}
	}
	for _, policy := range []string{"", "../../../lifecycle.yaml"} {
		if out, errs, code := gatehouse(t, config, "check", "--lifecycle", policy, "-"); code != 0 || strings.Contains(out+errs, "(sunset-headers)") {
			t.Errorf("by the policy %q: exit code %d: %s%s", policy, code, out, errs)
		}
	}
}

// TestLifecyclePolicy: the policy in the document is the one that our own versions are held
// to, and kong.yaml keeps it.
func TestLifecyclePolicy(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	own, err := os.ReadFile("../../../lifecycle.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := blockAfter(t, "policy"); got != string(own) {
		t.Errorf("the document has\n%s\nand the file\n%s", got, own)
	}
	out, errs, code := gatehouse(t, "", "check", "--development", "--fail-on", "info", "../../../kong.yaml")
	if code != 0 || !strings.Contains(out, "life-cycle policy: ../../../lifecycle.yaml\n") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// TestLifecycleDocumentRecords: and the one that records who calls is right where there is
// a Redis.
func TestLifecycleDocumentRecords(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	config := blockAfter(t, "records who calls")
	if out, errs, code := gatehouse(t, config, "check", "--lifecycle", "../../../lifecycle.yaml", "-"); code != 0 || strings.Contains(out+errs, "(sunset-headers)") || !strings.Contains(config, "observe: true") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
