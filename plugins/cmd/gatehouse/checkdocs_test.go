package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

const checkPage = "../../../docs/check.md"

// docsDay is the day on which the examples of docs/check.md are checked.
var docsDay = time.Date(2026, time.November, 29, 0, 0, 0, 0, time.UTC)

var (
	ruleSection = regexp.MustCompile("(?s)\n### `([a-z-]+)`\n\n\\*\\*([a-z]+)(, refused)?\\.\\*\\* (.*?)```text\n(.*?)```(.*?)(?:\n#|$)")
	codeBlock   = regexp.MustCompile("(?s)```(yaml|sh)\n(.*?)```")
	placeholder = regexp.MustCompile(`"\(([^)]*) in PEM\)"`)
)

// TestCheckPage: docs/check.md has each rule with its severity, what is wrong and the fix, an
// example in which it finds something, with what it says, and one in which it does not.
func TestCheckPage(t *testing.T) {
	page, err := os.ReadFile(checkPage)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS_URL", "")
	t.Setenv("GATEHOUSE_LOG_PLUGINS", "")
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pems := examplePEMs(t)
	text, rest := "", string(page)
	var documented []string
	for {
		at := ruleSection.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		part := func(i int) string { return rest[at[2*i]:at[2*i+1]] }
		name, severity := part(1), part(2)
		documented = append(documented, name)
		rule := findRule(t, name)
		if rule.Severity.String() != severity || rule.Refused != (at[6] >= 0) {
			t.Errorf("%s: the page says %s%s, the rule %v and refused %t", name, severity, rest[max(at[6], 0):max(at[7], 0)], rule.Severity, rule.Refused)
		}
		if !strings.Contains(part(4), "**Fix:** ") {
			t.Errorf("%s: the page has no fix", name)
		}
		said := exampleFindings(t, checker, name, part(4), pems)
		if said == "" {
			t.Errorf("%s: nothing is found in the bad example", name)
		}
		if wrong := exampleFindings(t, checker, name, part(6), pems); wrong != "" {
			t.Errorf("%s: in the good example is found %s", name, wrong)
		}
		text += rest[:at[10]] + said
		rest = rest[at[11]:]
	}
	golden.Check(t, checkPage, text+rest)
	var rules []string
	for _, r := range configcheck.Rules() {
		rules = append(rules, r.Name)
	}
	if got, want := strings.Join(documented, "\n"), strings.Join(rules, "\n"); got != want {
		t.Errorf("the page has the rules\n%s\n, want\n%s", got, want)
	}
}

func findRule(t *testing.T, name string) configcheck.Rule {
	t.Helper()
	for _, r := range configcheck.Rules() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no rule %s", name)
	return configcheck.Rule{}
}

// exampleFindings is what a rule says of the example in a text: a config, and before it the
// environment, a contract of web-bff, or a life-cycle policy.
func exampleFindings(t *testing.T, checker *configcheck.Checker, rule, text string, pems map[string]string) (said string) {
	t.Helper()
	env := map[string]string{}
	o := configcheck.Options{Now: docsDay, Lifecycle: true, Ours: true, Getenv: func(name string) string { return env[name] }}
	var config string
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		switch content := block[2]; {
		case block[1] == "sh":
			for line := range strings.Lines(content) {
				variable, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				env[variable] = strings.Trim(value, `"`)
			}
		case strings.HasPrefix(content, "openapi:"):
			document, err := kongyaml.Layer(kongyaml.File{Name: "web.yaml", Text: []byte(content)})
			if err != nil {
				t.Fatal(err)
			}
			o.Contracts = []configcheck.Contract{{Services: []string{"web-bff"}, Document: document}}
		case strings.HasPrefix(content, "# lifecycle.yaml\n"):
			o.LifecycleFile = &kongyaml.File{Name: "lifecycle.yaml", Text: []byte(content)}
		default:
			config = placeholder.ReplaceAllStringFunc(content, func(quoted string) string { return pems[placeholder.FindStringSubmatch(quoted)[1]] })
		}
	}
	o.NoLogPlugins = env["GATEHOUSE_LOG_PLUGINS"] == "off"
	checker.Options = o
	for _, f := range checker.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(config)}).Findings {
		if f.Rule == rule {
			said += findingLine(f) + "\n"
		}
	}
	return said
}

// examplePEMs are what stands in the examples of certificates for text in PEM, quoted for YAML.
func examplePEMs(t *testing.T) map[string]string {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	its, another := key(), key()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"a certificate":          certificatePEM(t, its, docsDay.AddDate(1, 0, 0)),
		"a CA":                   certificatePEM(t, its, docsDay.AddDate(1, 0, 0)),
		"a CA with a small key":  certificatePEM(t, small, docsDay.AddDate(1, 0, 0)),
		"an expired certificate": certificatePEM(t, its, docsDay.AddDate(0, 0, -1)),
		"its key":                keyPEM(t, its),
		"another's key":          keyPEM(t, another),
	}
}

func certificatePEM(t *testing.T, key crypto.Signer, until time.Time) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func keyPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
