package piilogscrub_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*piilogscrub.Config)
		want []string // words of the error: the field, the value, the fix
	}{
		{"unknown kind", func(c *piilogscrub.Config) { c.Actions = map[string]string{"mail": "redact"} }, []string{"actions", `"mail"`, "email"}},
		{"unknown action", func(c *piilogscrub.Config) { c.Actions = map[string]string{"email": "hash"} }, []string{"actions.email", `"hash"`, "pseudonym"}},
		{"pseudonym without a key", func(c *piilogscrub.Config) { c.Actions = map[string]string{"email": "pseudonym"} }, []string{"email", "pseudonym", "key"}},
		{"key too short", func(c *piilogscrub.Config) { c.PseudonymKey, c.PseudonymKeyID = "short", "k1" }, []string{"pseudonym", "5 bytes", "32"}},
		{"key without an id", func(c *piilogscrub.Config) { c.PseudonymKey = key }, []string{"pseudonym_key_id", "letters or digits"}},
		{"hashed card", func(c *piilogscrub.Config) {
			c.Actions, c.PseudonymKey, c.PseudonymKeyID = map[string]string{"card": "pseudonym"}, key, "k1"
		}, []string{"card", "keep_last4"}},
		{"truncated email", func(c *piilogscrub.Config) { c.Actions = map[string]string{"email": "truncate"} }, []string{"email", "truncate", "ip"}},
		{"bad pattern", func(c *piilogscrub.Config) { c.Patterns = []piilogscrub.Pattern{{Name: "customer", Regex: "C-("}} }, []string{`"customer"`, "C-(", "missing closing )", "RE2"}},
		{"pattern of another engine", func(c *piilogscrub.Config) { c.Patterns = []piilogscrub.Pattern{{Name: "customer", Regex: "C(?=-)"}} }, []string{`"customer"`, "C(?=-)", "RE2"}},
		{"empty match", func(c *piilogscrub.Config) { c.Patterns = []piilogscrub.Pattern{{Name: "any", Regex: "x*"}} }, []string{`"any"`, "x*", "empty"}},
		{"empty pattern", func(c *piilogscrub.Config) { c.Patterns = []piilogscrub.Pattern{{Name: "none"}} }, []string{`"none"`, "keywords"}},
		{"bad template", func(c *piilogscrub.Config) { c.PathTemplates = []string{"users/{id}"} }, []string{`"users/{id}"`, "'/'"}},
		{"template without braces", func(c *piilogscrub.Config) { c.PathTemplates = []string{"/users/*"} }, []string{`"/users/*"`, "braces"}},
		{"audit", func(c *piilogscrub.Config) { c.Audit = "yes" }, []string{"audit", `"yes"`, "on or off"}},
		{"depth", func(c *piilogscrub.Config) { c.MaxDepth = 99 }, []string{"depth", "99", "16"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runtime, err := piilogscrub.NewRuntime(piilogscrub.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := runtime.New().(*piilogscrub.Config)
			tt.edit(c)
			err = c.Provision()
			if err == nil {
				t.Fatal("was accepted")
			}
			for _, word := range tt.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
		})
	}
}

// TestPatternsOfOtherScripts: RE2 knows characters, where Kong's own engine knows bytes.
func TestPatternsOfOtherScripts(t *testing.T) {
	t.Parallel()
	runtime, err := piilogscrub.NewRuntime(piilogscrub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := runtime.New().(*piilogscrub.Config)
	c.Patterns = []piilogscrub.Pattern{{Name: "name", Regex: `[\x{4e00}-\x{9fff}]{2,4}`}, {Name: "price", Regex: `\x{20AC}\d+`}}
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	out, _ := runtime.Engine().Text(nil, []byte("王小明 paid €12"))
	if got := string(out); got != "[custom] paid [custom]" {
		t.Errorf("wrote %q", got)
	}
}

func TestProvisionPutsEngineInForce(t *testing.T) {
	t.Parallel()
	runtime, err := piilogscrub.NewRuntime(piilogscrub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := runtime.Engine().Text(nil, []byte("a@b.io C-1234"))
	if got := string(out); got != "[email] C-1234" {
		t.Errorf("default engine wrote %q", got)
	}
	c := runtime.New().(*piilogscrub.Config)
	c.Actions = map[string]string{scrub.Email.String(): scrub.Keep.String()}
	c.Patterns = []piilogscrub.Pattern{{Name: "customer", Regex: `\bC-\d+\b`, Keywords: []string{"c-"}}}
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	out, _ = runtime.Engine().Text(nil, []byte("a@b.io C-1234"))
	if got := string(out); got != "a@b.io [custom]" {
		t.Errorf("provisioned engine wrote %q", got)
	}
}

// TestOneBound: the plugin, the filter, the package and the documents tell of the same bounds.
func TestOneBound(t *testing.T) {
	t.Parallel()
	c := piilogscrub.Config{}
	defaults.Fill(&c)
	if c.MaxValueBytes != scrub.DefaultMaxBytes || c.MaxDepth != scrub.DefaultMaxDepth {
		t.Errorf("the plugin has %d bytes and %d encodings, the package %d and %d", c.MaxValueBytes, c.MaxDepth, scrub.DefaultMaxBytes, scrub.DefaultMaxDepth)
	}
	for most, accepted := range map[int]bool{scrub.MaxMaxBytes: true, scrub.MaxMaxBytes + 1: false} {
		if _, err := scrub.New(scrub.Policy{MaxBytes: most}); (err == nil) != accepted {
			t.Errorf("a policy of %d bytes: %v", most, err)
		}
	}
	for page, wants := range map[string][]string{
		"scrubbing.md": {
			fmt.Sprintf("`max_value_bytes` (%d KiB unless set, %d MiB at most)", scrub.DefaultMaxBytes>>10, scrub.MaxMaxBytes>>20),
			fmt.Sprintf("more than `max_depth` (%d) times", scrub.DefaultMaxDepth),
		},
		"bodies.md":                {fmt.Sprintf("`max_value_bytes` (%d KiB unless set, %d MiB at most)", scrub.DefaultMaxBytes>>10, scrub.MaxMaxBytes>>20)},
		"plugins/pii-log-scrub.md": {fmt.Sprintf("| `max_value_bytes` | integer | `%d` | 256 to %d |", scrub.DefaultMaxBytes, scrub.MaxMaxBytes)},
	} {
		text, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say %q", page, want)
			}
		}
	}
}
