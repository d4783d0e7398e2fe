package e2e

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRevokedWhilePublished: a key that is revoked while an older config is on its way from
// a node that hangs to the gateway is not let in afterwards.
func TestRevokedWhilePublished(t *testing.T) {
	p, restore := newPartner(t)
	defer restore()
	key, _ := p.mustKeys(t, "issue", p.name)
	eventually(t, "the key is taken", func() bool { return get(t, "/partner/v2/orders", "apikey: "+key).status == http.StatusOK })
	asked, goOn := make(chan struct{}, 8), make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-goOn
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer hangs.Close()
	older := exec.CommandContext(t.Context(), filepath.Join(gate.bin, "gatehouse"), "publish", "-development",
		"-config", p.base(), "-overlay", p.overlay(), "-overlay", p.file(), "-node", hangs.URL, "-node", gate.admin)
	var said bytes.Buffer
	older.Stdout, older.Stderr = &said, &said
	if err := older.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	revoked := make(chan error, 1)
	id := p.ids(t)[0]
	go func() {
		_, _, err := p.keys(t, "revoke", "-force", id)
		revoked <- err
	}()
	eventually(t, "the key is out of its file", func() bool {
		text, err := os.ReadFile(p.file())
		return err == nil && !strings.Contains(string(text), key)
	})
	close(goOn)
	if err := older.Wait(); err == nil || !strings.Contains(said.String(), gate.admin+": runs ") {
		t.Errorf("of the node that hangs: error %v, %s", err, &said)
	}
	if err := <-revoked; err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is refused", func() bool { return get(t, "/partner/v2/orders", "apikey: "+key).status == http.StatusUnauthorized })
}
