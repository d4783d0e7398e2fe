package server

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// guide has, by the first cell of each line of the moving guide's tables, the tests that
// hold what it says of our side.
var guide = map[string][]string{
	"a handler panics": {"TestPanicEndsOneEvent", "TestStockPluginThatPanics"},
	"a handler hangs":  {"TestDeadlineCostsOneEvent", "TestWaitingForKongIsNotThePlugins", "TestTimeWithoutAProcessorCutsNothing", "TestOverloadedPlugin"},
	"SIGTERM, SIGINT":  {"TestEnd", "TestStockProcessEndsInOrder"},
	"`go server.StartServer(…)` in a main that waits for something else":                {"TestEnd", "TestEndWithoutASocket"},
	"a version that Kong refuses (`dev`, `1.2.3.4`)":                                    {"TestVersions", "TestRefused", "TestRefusedInFull"},
	"`json:\"x,omitempty\"`":                                                            {"TestStockSchemaGolden"},
	"a configuration that does not decode":                                              {"TestDegradedConfigurations"},
	"a config reload":                                                                   {"TestInstancesAreShared", "TestReloadsDoNotGrow"},
	"a setter that Kong throws on (`SetStatus(42)`, a header in a phase that has none)": {"TestSameAsGoPDK"},
	"a value that is not UTF-8 (`SetHeader(\"X\", \"\\xff\")`)":                         {"TestACallThatFailsToEncodeIsDropped"},
	"after `kong.Response.Exit`":                                                        {"TestHabitsOfPublicPlugins", "TestExit"},
	"`-help`":                                                                           {"TestHelp"},
	"handlers at the same time":                                                         {"TestSlowHandlersOnBothServers"},
	"`kong.Log` and what the process prints":                                            {"TestSameAsGoPDK"},
	"the environment of a process that Kong starts":                                     {"TestBoundsFromTheEnvironment"},
	"an executable with capitals, `Hello`":                                              {"TestInConf"},
	"the protocol":                                                                      {"TestSameFlagsAsGoPDK"},
	"a body, or any other frame, of more than 64 MiB":                                   {"TestAnswersThatAreTooLarge", "TestRepliesThatAreTooLarge", "TestLargeBodiesOnBothServers"},
	"SIGQUIT, SIGHUP":                                                                   {"TestEnd"},
	"the schema in `-dump`":                                                             {"TestStockSchemaGolden", "TestInfoGolden"},
	"a field of a type that no JSON makes (`chan`, `func`)":                             {"TestStockSchemaGolden", "TestFieldsThatAreLeftOut"},
	"a `Provision() error` of the configuration":                                        {"TestDegradedConfigurations"},
	"the route, service or consumer that a configuration is of":                         {"TestScope"},
	"what `New` prints to standard output":                                              {"TestDumpOfAPluginThatPrints"},
	"an empty version":                                                                  {"TestDumpOfAPluginThatPrints"},
	"a setter (`set_header`, `ctx.shared.set`, `log.*`)":                                {"TestPipelinedCallsLeaveInOneWrite", "TestPipelinedRepliesSayNothing"},
	"`kong.Log.Close()`, and `Close` of the other parts":                                {"TestSameAsGoPDK"},
	"a `Prefetch(phase string) [][2]string` of the configuration":                       {"TestPrefetch"},
	"`AccessContext(context.Context, *pdk.PDK)` and so on":                              {"TestPhasesOfContextHandlers"},
	"`Provision() error`, `Degrade(error)`, `Deadline() time.Duration`, `Close() error`, `Failed(*pdk.PDK, error)` on the config": {
		"TestDegradedConfigurations", "TestCloseWaitsForEvents", "TestFailedDecides", "TestDeadlineOptions",
	},
}

// TestGuide holds the moving guide to tests: each line of its tables has some.
func TestGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/moving-from-go-pdk.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if first := strings.TrimPrefix(cells[0], "| "); len(cells) == 3 && strings.HasPrefix(cells[0], "| ") && first != "" {
			lines = append(lines, first)
		}
	}
	slices.Sort(lines)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(guide)), lines); diff != "" {
		t.Errorf("lines of the guide (-with tests +there):\n%s", diff)
	}
	there := testsHere(t)
	for line, tests := range guide {
		for _, name := range tests {
			if !slices.Contains(there, name) {
				t.Errorf("%s: there is no %s", line, name)
			}
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// testsHere are the names of this module's tests.
func testsHere(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range testFunction.FindAllSubmatch(text, -1) {
			names = append(names, string(match[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestGuideWalkThrough builds the plugin of the moving guide with go-pdk's server and with
// this one, and has it dump what the guide says that it does.
func TestGuideWalkThrough(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	text, err := os.ReadFile("../../../docs/moving-from-go-pdk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, source, _ := strings.Cut(string(text), "```go\n")
	source, _, _ = strings.Cut(source, "```")
	dumps := regexp.MustCompile(`(?m)^\{"Protocol".*\n`).FindAllString(string(text), -1)
	if len(dumps) != 2 {
		t.Fatalf("the guide has %d dumps, want go-pdk's and ours", len(dumps))
	}
	const theirs = "github.com/Kong/go-pdk/server"
	for i, line := range []string{theirs, thisModule + "/server"} {
		dir := walkThrough(t, strings.Replace(source, theirs, line, 1))
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "hello"), "-dump").Output()
		if diff := cmp.Diff(dumps[i], string(out)); err != nil || diff != "" {
			t.Errorf("-dump with %s: %v (-guide +printed):\n%s", line, err, diff)
		}
	}
}

// walkThrough builds a plugin in a module that is the stranger's but for its main.
func walkThrough(t *testing.T, source string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("../testdata/stranger")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", "go mod edit -replace "+thisModule+"="+module+"; go build -o hello .")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}
