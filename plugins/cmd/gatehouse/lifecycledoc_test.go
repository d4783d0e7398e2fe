package main

import (
	"os"
	"strings"
	"testing"
)

// TestLifecycleDocument: who copies the config of docs/api-lifecycle.md has one that is
// right, and it has every way to brown out.
func TestLifecycleDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/api-lifecycle.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- checked -->\n```yaml\n")
	config, _, found := strings.Cut(rest, "\n```\n")
	if !found {
		t.Fatal("the document has no config to check")
	}
	for _, field := range []string{"brownouts:", "brownout_schedules:", "brownout_shares:", "redirect_methods:", "dry_run:"} {
		if !strings.Contains(config, field) {
			t.Errorf("the config shows no %s", field)
		}
	}
	if out, errs, code := gatehouse(t, config, "check", "-"); code != 0 || strings.Contains(out+errs, "(sunset-headers)") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
