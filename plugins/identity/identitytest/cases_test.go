package identitytest_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
)

// TestTable: a case that is there twice, or is padded and needs no padding, tests less
// than it says.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range identitytest.Cases() {
		if seen[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		seen[c.Name] = true
		if c.Padded && !strings.Contains(c.Token(), "=") {
			t.Errorf("%s: the token %s has no padding", c.Name, c.Token())
		}
	}
}
