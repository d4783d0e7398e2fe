package stack

import (
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := env[name]; return value, ok }
}

func TestPortOffset(t *testing.T) {
	plain, err := DefaultPorts(lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	moved, err := DefaultPorts(lookupIn(map[string]string{"PORT_OFFSET": "1000", "ADMIN_PORT": "8001"}))
	if err != nil {
		t.Fatal(err)
	}
	after := moved.table()
	for i, before := range plain.table() {
		want := before.Number + 1000
		if before.Env == "ADMIN_PORT" {
			want = 8001
		}
		if got := after[i].port.Number; got != want {
			t.Errorf("%s is %d, want %d", before.Env, got, want)
		}
	}
	for _, tt := range []struct{ offset, want string }{
		{"x", `PORT_OFFSET="x" is no offset`}, {"-1", `PORT_OFFSET="-1" is no offset`}, {"70000", `PORT_OFFSET="70000" is no offset: write a number from 0 to 55993`},
		{"60000", "PORT_OFFSET=60000 moves PROXY_PORT to 68000, and ports end at 65535: write a number from 0 to 55993"},
	} {
		if _, err := DefaultPorts(lookupIn(map[string]string{"PORT_OFFSET": tt.offset})); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("PORT_OFFSET=%s: error %v, want %q", tt.offset, err, tt.want)
		}
	}
}

// TestBusyPorts wants all of them in one line, each with its variable.
func TestBusyPorts(t *testing.T) {
	ports, err := FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	busy := map[string]int{}
	for _, port := range []*Port{&ports.Proxy, &ports.Users, &ports.Redis} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port.Number = l.Addr().(*net.TCPAddr).Port
		busy[port.Env] = port.Number
	}
	ports.Billing.Number = ports.Auth.Number
	err = checkFree(ports.all())
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error %v, want one line", err)
	}
	for name, number := range busy {
		if want := strconv.Itoa(number) + " (" + name + ")"; !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	for _, want := range []string{"BILLING_PORT and AUTH_PORT are both", "PORT_OFFSET"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "ADMIN_PORT") {
		t.Errorf("a free port is in %q", err)
	}
}

// TestPortsDiffer: no two parts have one port, nor one variable.
func TestPortsDiffer(t *testing.T) {
	var p Ports
	numbers, names := map[int]bool{}, map[string]bool{}
	for _, d := range p.table() {
		numbers[d.Number], names[d.Env] = true, true
	}
	if n := len(p.table()); len(numbers) != n || len(names) != n {
		t.Errorf("%d ports have %d numbers and %d variables: %v", n, len(numbers), len(names), slices.Sorted(maps.Keys(numbers)))
	}
}

// TestVariablesAreDocumented: the README, which `make` reads, has the variables that there
// are.
func TestVariablesAreDocumented(t *testing.T) {
	const readme, begin, end = "../../README.md", "<!-- variables -->\n```\n", "```\n<!-- end -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no list between %q and %q", readme, begin, end)
	}
	golden.Check(t, readme, before+begin+Variables()+end+after)
}
