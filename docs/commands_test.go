package docs

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"github.com/gatehousehq/gatehouse/internal/gobuild"
)

// blocks are all blocks of sh in the documents, by their page and heading, with how each is
// held: by the name of a test that runs it, as "run: folder TestName", or by why none does.
// What is not run is still read: see TestCommandsExist.
var blocks = map[string]string{
	"README.md#a-tour-of-five-minutes":                                             "run: e2e TestTour",
	"README.md#on-kong":                                                            "needs containers; the gate's E2E_TARGET=docker does the same",
	"docs/adding-to-kong.md#the-files":                                             "run: e2e TestAddedToKong",
	"docs/adding-to-kong.md#the-process":                                           "run: e2e TestAddedToKong",
	"docs/adding-to-kong.md#the-first-config":                                      "run: e2e TestAddedToKong",
	"docs/api-lifecycle.md#who-still-calls":                                        "needs a Redis with weeks of calls; e2e's TestWhoStillCalls makes some",
	"docs/audit-integrity.md#switching-the-chain-on":                               "serves until it is stopped; the key's commands are run by hand of the next block: plugins/piilogscrub/auditchain",
	"docs/audit-integrity.md#verifying":                                            "names logs of a gateway and of a cluster; the tests of plugins/cmd/gatehouse verify their own",
	"docs/audit-integrity.md#by-hand":                                              "run: plugins/piilogscrub/auditchain TestOthersCanVerify",
	"docs/audit-integrity.md#exporting":                                            "names logs of a gateway; the tests of plugins/cmd/gatehouse export their own",
	"docs/audit-integrity.md#for-a-persons-request":                                "needs somebody's key and id; TestCommandsExist reads it",
	"docs/bodies.md#in-a-pipe":                                                     "run: docs TestBlocksRun",
	"docs/capacity.md#your-own-figures":                                            "takes minutes of a machine of its own",
	"docs/check.md#gatehouse-check":                                                "run: docs TestBlocksRun",
	"docs/check.md#plugin-log-unscrubbed":                                          "run: plugins/cmd/gatehouse TestCheckPage",
	"docs/check.md#vault-variable":                                                 "run: plugins/cmd/gatehouse TestCheckPage",
	"docs/check.md#tls-old-protocol":                                               "run: plugins/cmd/gatehouse TestCheckPage",
	"docs/edge.md#what-a-dying-target-costs":                                       "run: e2e TestDyingTarget",
	"docs/edge.md#what-kong-answers-itself":                                        "sets variables of Kong's; e2e/stack starts each gateway with them",
	"docs/edge.md#behind-a-cdn":                                                    "asks a CDN over the internet for its list",
	"docs/edge.md#gatehouse-cdn-ranges":                                            "asks CDNs over the internet for their lists; plugins/cdnranges has copies",
	"docs/edge.md#proxy-protocol":                                                  "sets variables of a Kong behind a load balancer; e2e's TestProxyProtocol starts one",
	"docs/identity.md#keys":                                                        "follows an issuer over the internet; TestIssuersWalkThrough follows the sample ones",
	"docs/identity.md#a-walk-through":                                              "run: e2e TestIssuersWalkThrough",
	"docs/identity.md#partner-keys":                                                "is the commands' form and no command",
	"docs/identity.md#a-walk-through-1":                                            "needs a walk of thirty days; e2e's TestPartnerKeyRotates does it with less",
	"docs/identity.md#the-sample-auth-service":                                     "needs make run; e2e/services tests the service",
	"docs/kubernetes.md#kongs-chart":                                               "needs a cluster and a chart from the internet",
	"docs/one-hop.md#how-a-request-ended":                                          "sets variables of Kong's; e2e/stack starts each gateway with them",
	"docs/overlays.md#overlays-one-config-of-several-files-on-one-node-or-several": "publishes to nodes at addresses; e2e's TestPublish has two",
	"docs/rate-limiting.md#changing-limits-at-run-time":                            "needs a Redis that gateways share, with redis-cli; the limiter's tests write the same keys",
	"docs/rate-limiting.md#which-limits":                                           "needs weeks of traffic in a Redis; e2e's TestRecordedTrafficIsAdvisedOn makes some",
	"docs/releases.md#releases-a-config-that-cannot-hurt":                          "releases to the nodes of a cluster; e2e's TestReleaseTakesItselfBack has two",
	"docs/releases.md#who-may-use-the-admin-api":                                   "sets variables of Kong's, with certificates of the operator's",
	"docs/scrubbing.md#the-filter":                                                 "run: docs TestBlocksRun",
	"docs/smoke.md#is-the-trace-whole-gatehouse-smoke":                             "asks a gateway and a Tempo at addresses, and make run; e2e's TestSmoke has its own",
	"docs/tls.md#try-it":                                                           "needs make run; e2e's TestClientsOverTLS and e2e's TestOnlyTheGatewayIsBelieved make such connections",
	"docs/tls.md#new-certificates":                                                 "needs the containers of make up",
	"docs/trace-headers.md#the-clients-answer":                                     "sets a variable of Kong's; e2e/stack starts each gateway with it",
}

// others are pages whose commands their own module's tests hold.
var others = []string{"docs/moving-from-go-pdk.md", "plugins/pluginserver/"}

// inE2E is a test of the end-to-end suite in a reason.
var inE2E = regexp.MustCompile(`e2e's (Test\w+)`)

// TestEachBlockIsHeld: the table has each block, no other, and no test that there is not.
func TestEachBlockIsHeld(t *testing.T) {
	t.Parallel()
	found := shellBlocks(t)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if blocks[name] == "" {
			t.Errorf("%s: the table says neither which test runs its commands nor why none does", name)
		}
	}
	for name, held := range blocks {
		if found[name] == nil {
			t.Errorf("%s: there is no such block", name)
		}
		by, runs := strings.CutPrefix(held, "run: ")
		if folder, test, _ := strings.Cut(by, " "); runs && !hasTest(t, folder, test) {
			t.Errorf("%s: there is no test %s in %s", name, test, folder)
		}
		for _, named := range inE2E.FindAllStringSubmatch(held, -1) {
			if !hasTest(t, "e2e", named[1]) {
				t.Errorf("%s: there is no test %s in e2e", name, named[1])
			}
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`).Match(text)
	})
}

// shellBlocks are the texts of all blocks of sh, by page and heading.
func shellBlocks(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for name, doc := range documents(t) {
		if slices.ContainsFunc(others, func(other string) bool { return strings.HasPrefix(name, other) }) {
			continue
		}
		for _, b := range doc.In("sh") {
			at := name + "#" + b.Anchor
			found[at] = append(found[at], b.Text)
		}
	}
	return found
}

// commandsOf are the commands in a script, in pipes, loops and substitutions as well.
func commandsOf(script string) (commands [][]string, err error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	printer := syntax.NewPrinter()
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		var words []string
		for _, arg := range call.Args {
			var word strings.Builder
			err = printer.Print(&word, arg)
			words = append(words, strings.Trim(word.String(), `"'`))
		}
		commands = append(commands, words)
		return true
	})
	return commands, err
}

// foreign are programs of others that the documents use.
var foreign = []string{
	"awk", "base64", "cat", "chmod", "curl", "cut", "docker", "echo", "eval", "export", "grep", "helm", "install", "jq", "kubectl", "mkdir",
	"openssl", "printf", "ps", "redis-cli", "sed", "seq", "sha256sum", "sort", "tail", "tr",
}

// TestCommandsExist: each program in a block is one that is known, each target of make and
// each test is there, and each of our programs has the subcommands and flags.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	ours := gatehouse(t)
	targets := makeTargets(t)
	for name, scripts := range shellBlocks(t) {
		if blocks[name] == "is the commands' form and no command" {
			continue
		}
		for _, script := range scripts {
			commands, err := commandsOf(script)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, words := range commands {
				if why := unknown(t, words, ours, targets); why != "" {
					t.Errorf("%s: %s: %s", name, strings.Join(words, " "), why)
				}
			}
		}
	}
}

// unknown says what of a command does not exist.
func unknown(t *testing.T, words []string, ours program, targets map[string]bool) string {
	t.Helper()
	switch name := filepath.Base(words[0]); {
	case name == "gatehouse":
		return ours.unknown(t, words[1:])
	case name == "make":
		for _, word := range words[1:] {
			if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") && !targets[word] {
				return "make has no target " + word
			}
		}
	case name == "go" && words[1] == "test":
		if at := slices.Index(words, "-run"); at > 0 && !hasTest(t, words[len(words)-1], words[at+1]) {
			return "there is no such test"
		}
	case !slices.Contains(foreign, name):
		return "nobody knows this program"
	}
	return ""
}

func makeTargets(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, target := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllSubmatch(text, -1) {
		targets[string(target[1])] = true
	}
	return targets
}

// program is one of ours, which says itself what it can be told.
type program struct {
	path string
	said map[string]string // the help of its subcommands, which many blocks name
}

// gatehouse builds the binary, without the race detector, with which each start of it takes
// several times as long.
func gatehouse(t *testing.T) program {
	t.Helper()
	folder := t.TempDir()
	if err := gobuild.Build(t.Context(), folder, nil, "plugins/cmd/gatehouse"); err != nil {
		t.Fatal(err)
	}
	return program{filepath.Join(folder, "gatehouse"), map[string]string{}}
}

// unknown says which subcommand or flag the program does not have.
func (p program) unknown(t *testing.T, args []string) string {
	t.Helper()
	help, sub := p.help(t), []string{}
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		deeper := p.help(t, append(slices.Clone(sub), args[0])...)
		if !regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(args[0]) + `\b`).MatchString(help) {
			break // an argument
		}
		sub, help, args = append(sub, args[0]), deeper, args[1:]
	}
	if len(sub) == 0 {
		return "there is no such subcommand"
	}
	for _, arg := range args {
		flag, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if flag == "" || !strings.HasPrefix(arg, "-") {
			continue
		}
		if !regexp.MustCompile(`(?m)(^|[\s,\[])--?` + regexp.QuoteMeta(flag) + `\b`).MatchString(help) {
			return fmt.Sprintf("%v has no flag %s", sub, arg)
		}
	}
	return ""
}

// help is what the program says of a subcommand.
func (p program) help(t *testing.T, sub ...string) string {
	t.Helper()
	name := strings.Join(sub, " ")
	if _, asked := p.said[name]; !asked {
		out, _ := exec.CommandContext(t.Context(), p.path, append(sub, "-h")...).CombinedOutput() // some end with 2
		p.said[name] = string(out)
	}
	return p.said[name]
}

// TestBlocksRun runs the blocks that need no gateway, in a folder with what they read.
func TestBlocksRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin := filepath.Dir(gatehouse(t).path)
	config, err := os.ReadFile("../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"kong.yaml":    string(config),
		"certs.yaml":   "_format_version: \"3.0\"\nconsumers:\n  - { username: web-app, tags: [web] }\n",
		"keys.yaml":    "_format_version: \"3.0\"\nconsumers:\n  - { username: acme-erp }\n",
		"access.log":   "GET /?email=joe@example.com&card=4111111111111111\n",
		"policy.yaml":  "fields: [customer_ref]\n",
		"bodies.jsonl": `{"customer_ref":"A-17","items":3}` + "\n",
		"events.jsonl": `{"email":"joe@example.com","id":7}` + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "bff"), os.DirFS("../bff")); err != nil {
		t.Fatal(err)
	}
	printed := map[string][]string{
		"docs/scrubbing.md#the-filter": {"email=[email]&card=[card:1111]\n", `{"email":"[email]","id":7}`, `{"kind":"email",`,
			"access.log:1:12-27: email, redact: it is an e-mail address (rule form, field ?email)\n", "RULE  COUNT\n", "KIND   ACTION      COUNT\n"},
		"docs/bodies.md#in-a-pipe":      {"bodies.jsonl:1:17-21: field, redact: its name says so (rule name, field customer_ref)\n"},
		"docs/check.md#gatehouse-check": {"looked at: ", `"findings":`},
	}
	all := shellBlocks(t)
	for name, held := range blocks {
		if held != "run: docs TestBlocksRun" {
			continue
		}
		for _, script := range all[name] {
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GATEHOUSE_LOG_PLUGINS=", "GATEHOUSE_ENV=development", "REDIS_URL=redis://127.0.0.1:6379")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
			for _, want := range printed[name] {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s does not print %s:\n%s", name, want, out)
				}
			}
		}
	}
}
