// Package tools_test tries what the Makefile does with the tools that this module pins.
package tools_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// contracts are two folders: what was released, and what is to be.
type contracts struct{ released, now string }

// released has partners' contract released, and the same to be released next.
func released(t *testing.T) contracts {
	t.Helper()
	c := contracts{t.TempDir(), t.TempDir()}
	text := read(t, "../bff/openapi/partner.yaml")
	write(t, filepath.Join(c.released, "partner.yaml"), text)
	write(t, filepath.Join(c.released, "accepted.md"), "# Breaks that are meant\n")
	write(t, filepath.Join(c.now, "partner.yaml"), text)
	return c
}

// edit replaces a text in the contract that is to be, once.
func (c contracts) edit(t *testing.T, old, replacement string) {
	t.Helper()
	file := filepath.Join(c.now, "partner.yaml")
	text := read(t, file)
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q in partner.yaml", old)
	}
	write(t, file, strings.Replace(text, old, replacement, 1))
}

// oasdiff is built once.
var oasdiff = sync.OnceValues(func() (string, error) {
	path, err := exec.Command("go", "tool", "-n", "oasdiff").Output()
	return strings.TrimSpace(string(path)), err
})

// make runs a target on the two folders.
func (c contracts) make(t *testing.T, target string) (said string, ok bool) {
	t.Helper()
	tool, err := oasdiff()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "-s", "-C", "..", target, "RELEASED="+c.released, "CONTRACTS="+c.now, "OASDIFF="+tool)
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	ofStatus  = "enum: [pending, paid, shipped, delivered, cancelled]"
	ofCursor  = "      description: >-\n        Where to go on, from the page before."
	ofCreated = "        created:\n          type: string\n          format: date-time\n"
	ofNext    = "        next_cursor:\n          type: string\n          description: The `cursor` of the next page; absent on the last.\n"
)

// operation is that of a path, as it is written.
func operation(t *testing.T, path string) string {
	t.Helper()
	text := read(t, "../bff/openapi/partner.yaml")
	_, rest, ok := strings.Cut(text, "\n  "+path+":\n")
	end := strings.Index(rest, "\n  /")
	if !ok || end < 0 {
		t.Fatalf("there is no operation at %s that another one follows", path)
	}
	return "  " + path + ":\n" + rest[:end+1]
}

// TestBreaksFail: what would stop a client that was written for the released contract fails,
// and is named.
func TestBreaksFail(t *testing.T) {
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"a field that is taken away":             {ofCreated, "", "removed the required property"},
		"a field that was there now and then":    {ofNext, "", "removed the optional property `next_cursor`"},
		"a field that need not be there anymore": {"required: [id, status, total, currency, created, customer, items]", "required: [id, status, total, currency, created, customer]", "items"},
		"a field of another type":                {ofCreated, "        created:\n          type: integer\n", "type"},
		"a parameter that clients must send":     {"      in: query\n" + ofCursor, "      in: query\n      required: true\n" + ofCursor, "cursor"},
		"a parameter that is taken away":         {"        - $ref: '#/components/parameters/Limit'\n", "", "limit"},
		"a narrower bound of a parameter":        {"maximum: 100\n", "maximum: 50\n", "limit"},
		"fewer values of an enum":                {ofStatus, "enum: [pending, paid, shipped, delivered]", "cancelled"},
		"more values of an enum in answers":      {ofStatus, "enum: [pending, paid, shipped, delivered, cancelled, lost]", "lost"},
		"an operation that is taken away":        {operation(t, "/partner/v2/orders"), "", "/partner/v2/orders"},
		"a version that ends before its date":    {operation(t, "/partner/v1/orders"), "", "before the sunset date"},
		"a version that ends sooner":             {"x-sunset: '2027-06-30'", "x-sunset: '2026-12-31'", "sunset"},
		"a header that is taken away":            {"            X-Trace-Id:\n              $ref: '#/components/headers/TraceId'\n", "", "x-trace-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := released(t)
			c.edit(t, tt.old, tt.replacement)
			said, ok := c.make(t, "contracts")
			if ok || !strings.Contains(said, tt.want) {
				t.Errorf("passed: %v; said:\n%s", ok, said)
			}
		})
	}
}

// TestWhatBreaksNobodyIsListed: it passes, and partners are told.
func TestWhatBreaksNobodyIsListed(t *testing.T) {
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"a field more":                 {ofNext, ofNext + "        total_pages:\n          type: integer\n", "total_pages"},
		"a parameter that may be sent": {"        - $ref: '#/components/parameters/OrderId'\n", "        - $ref: '#/components/parameters/OrderId'\n        - $ref: '#/components/parameters/Limit'\n", "limit"},
		"a wider bound":                {"maximum: 100\n", "maximum: 200\n", "200"},
		"an operation more":            {"paths:\n", "paths:\n" + strings.NewReplacer("/partner/v2/orders", "/partner/v2/drafts", "listOrdersV2", "listDrafts").Replace(operation(t, "/partner/v2/orders")), "/partner/v2/drafts"},
		"a version that is deprecated": {"      summary: Orders of the version that `Accept` or `X-API-Version` names\n", "      summary: Orders of the version that `Accept` or `X-API-Version` names\n      deprecated: true\n      x-sunset: '2099-12-31'\n", "deprecated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := released(t)
			c.edit(t, tt.old, tt.replacement)
			if said, ok := c.make(t, "contracts"); !ok {
				t.Errorf("it fails:\n%s", said)
			}
			if said, ok := c.make(t, "changelog"); !ok || !strings.Contains(said, tt.want) {
				t.Errorf("the changelog, which is made: %v\n%s", ok, said)
			}
		})
	}
}

// TestReleaseOfContracts: it keeps what clients have from then on, under a version of its own,
// and no break that nobody meant.
func TestReleaseOfContracts(t *testing.T) {
	c := released(t)
	c.edit(t, ofNext, "")
	if said, ok := c.make(t, "release-contracts"); ok {
		t.Errorf("a break is released:\n%s", said)
	}
	accepted := filepath.Join(c.released, "accepted.md")
	for path, field := range map[string]string{"/partner/v2/orders": "next_cursor", "/partner/orders": "anyOf[#/components/schemas/OrderPageV2]/next_cursor"} {
		write(t, accepted, read(t, accepted)+"- GET "+path+" removed the optional property `"+field+"` from the response with the `200` status: nobody reads it\n")
	}
	if said, ok := c.make(t, "release-contracts"); ok || !strings.Contains(said, "raise info.version") {
		t.Errorf("two contracts are called 1.0.0: %v\n%s", ok, said)
	}
	c.edit(t, "  version: 1.0.0", "  version: 1.1.0")
	if said, ok := c.make(t, "release-contracts"); !ok || !strings.Contains(said, "released as 1.1.0") {
		t.Errorf("it is not released:\n%s", said)
	}
	if read(t, filepath.Join(c.released, "partner.yaml")) != read(t, filepath.Join(c.now, "partner.yaml")) {
		t.Error("another one is kept than was released")
	}
	if got := read(t, accepted); got != "# Breaks that are meant\n" {
		t.Errorf("what is accepted stays so: %s", got)
	}
}
