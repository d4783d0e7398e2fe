package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// TestIssuersWalkThrough runs what docs/identity.md tells to paste, at this gateway, and
// then still has tokens of the sample issuers.
func TestIssuersWalkThrough(t *testing.T) {
	if gate.bin == "" {
		t.Skip("what is pasted runs beside a gateway on this machine")
	}
	text, err := os.ReadFile("../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### A walk-through")
	_, script, _ := strings.Cut(section, "```sh\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("docs/identity.md has no walk-through")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "base.yaml")
	if err := os.WriteFile(config, gate.base, 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() { postConfig(t, gate.config) }()
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", strings.NewReplacer(
		"bin/gatehouse", filepath.Join(gate.bin, "gatehouse"), "plugins/", root+"/plugins/", " kong.yaml", " "+config,
		".dev/certs", string(gate.certs), "127.0.0.1:9106", gate.ports.Auth.Addr(), "http://127.0.0.1:8001", gate.admin,
	).Replace(script))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
	for _, want := range []string{`its use is "enc"`, gate.admin + ": runs ", "key: 1_pWIdeeogbHRTbU5KzDxNvnKEk1VRZfl2p3VQTa5ds", "key: dev-only-web"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not print %s", want)
		}
	}
	get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, 200)
}
