package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/endings"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

const endingConfig = `_format_version: "3.0"
services:
  - name: orders
    host: orders
    routes:
      - { name: orders-v1, paths: [/v1], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2099-06-30" } }] }
      - { name: orders-v0, paths: [/v0], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2099-01-31" } }] }
`

func endingFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(path, []byte(endingConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// recordedCalls is the URL of a Redis in which two consumers called orders-v1.
func recordedCalls(t *testing.T) (url string) { t.Helper(); return recordedUnder(t, "gatehouse") }

// recordedUnder is recordedCalls under a prefix of keys.
func recordedUnder(t *testing.T, prefix string) (url string) {
	t.Helper()
	url = "redis://" + miniredis.RunT(t).Addr()
	client, err := redisurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := callers.NewRecorder(client, prefix)
	for _, name := range []string{"globex-crm", "=initech", "=initech"} {
		r.Observe(callers.Call{At: time.Now(), Route: "orders-v1", Caller: callers.Caller{ID: "id-" + name, Username: name, Tenant: "t"}, Stage: lifecycle.StageDeprecated, UserAgent: "crm/1.2"})
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return url
}

func TestSunsetReport(t *testing.T) {
	url, file := recordedCalls(t), endingFile(t)
	report := func(args ...string) string {
		t.Helper()
		out, errs, code := gatehouse(t, "", append([]string{"sunset", "report", "--config", file, "--redis", url}, args...)...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		return out
	}
	table := report()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "orders-v1  =initech") || !strings.HasPrefix(lines[3], "orders-v0: not known: no node has recorded a call of it") {
		t.Errorf("the table is:\n%s", table)
	}
	var decoded endings.Report
	if err := json.Unmarshal([]byte(report("-o", "json")), &decoded); err != nil || len(decoded.Rows) != 2 || decoded.Rows[0].Calls != 2 {
		t.Errorf("%+v, error %v", decoded, err)
	}
	records, err := csv.NewReader(strings.NewReader(report("-o", "csv", "orders-v1"))).ReadAll()
	if err != nil || len(records) != 3 || records[1][1] != "'=initech" {
		t.Errorf("%q, error %v", records, err)
	}
	if out := report("orders-v0", "--if-sunset-today"); !strings.HasPrefix(out, "nobody would break, of whom it is known that they call\norders-v0: not known") {
		t.Errorf("of a version that nobody ever called: %s", out)
	}
	if _, errs, code := gatehouse(t, "", "sunset", "forget", "--redis", url, "globex-crm"); code != 0 {
		t.Errorf("forget: exit code %d: %s", code, errs)
	}
	if out := report(); strings.Contains(out, "globex") || !strings.Contains(out, "=initech") {
		t.Errorf("after one was forgotten:\n%s", out)
	}
	if _, errs, code := gatehouse(t, "", "sunset", "forget", "--redis", url, "=initech"); code != 0 {
		t.Errorf("forget: exit code %d: %s", code, errs)
	}
	if out := report("orders-v1"); !strings.Contains(out, "orders-v1: nobody since "+time.Now().UTC().Format(time.DateOnly)) {
		t.Errorf("after all were forgotten:\n%s", out)
	}
}

// elsewhereFile is a config whose orders-v1 is recorded in another Redis than orders-v0.
func elsewhereFile(t *testing.T, url string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kong.yaml")
	text := strings.Replace(endingConfig, "observe: true,", `observe: true, redis: { url: "`+url+`", key_prefix: "acme:x" },`, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSunsetElsewhere: callers are found, and forgotten, where the config has them recorded.
// Of what cannot be asked nothing is said.
func TestSunsetElsewhere(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://"+miniredis.RunT(t).Addr())
	url := recordedUnder(t, "acme:x")
	file := elsewhereFile(t, url)
	report := func(args ...string) (out, errs string, code int) {
		t.Helper()
		return gatehouse(t, "", append([]string{"sunset", "report"}, args...)...)
	}
	out, errs, code := report("--config", file)
	if code != 0 || !strings.Contains(out, "orders-v1  globex-crm") || strings.Contains(out, "orders-v1: ") || !strings.Contains(out, "orders-v0: not known: no node has recorded") {
		t.Errorf("exit code %d: %s\n%s", code, out, errs)
	}
	if _, errs, code := report("--config", file, "--redis", url); code != 2 || !strings.Contains(errs, "--redis: the versions have 2 different redis.url") {
		t.Errorf("one Redis for two: exit code %d: %s", code, errs)
	}
	vault := elsewhereFile(t, "{vault://env/observed-redis}")
	if _, errs, code := report("--config", vault); code != 1 || !strings.Contains(errs, "name that Redis with --redis") || !strings.Contains(errs, "orders-v1") {
		t.Errorf("in a vault: exit code %d: %s", code, errs)
	}
	if out, errs, code := report("--config", vault, "--redis", url, "orders-v1"); code != 0 || !strings.Contains(out, "orders-v1  globex-crm") {
		t.Errorf("in a vault, and named: exit code %d: %s\n%s", code, out, errs)
	}
	if _, errs, code := gatehouse(t, "", "sunset", "forget", "globex-crm"); code != 1 || !strings.Contains(errs, "with --config the config") {
		t.Errorf("forget without the config: exit code %d: %s", code, errs)
	}
	if _, errs, code := gatehouse(t, "", "sunset", "forget", "--config", file, "globex-crm"); code != 0 {
		t.Errorf("forget: exit code %d: %s", code, errs)
	}
	if out, _, _ := report("--config", file); strings.Contains(out, "globex") || !strings.Contains(out, "=initech") {
		t.Errorf("after one was forgotten:\n%s", out)
	}
}

// TestSunsetForgetsOne: a name that is two consumers' erases neither.
func TestSunsetForgetsOne(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	client, err := redisurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := callers.NewRecorder(client, "gatehouse")
	for _, c := range []callers.Caller{{ID: "11", Username: "globex"}, {ID: "22", Username: "crm", CustomID: "globex"}} {
		r.Observe(callers.Call{At: time.Now(), Route: "orders-v1", Caller: c, Stage: lifecycle.StageDeprecated})
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, errs, code := gatehouse(t, "", "sunset", "forget", "--redis", url, "globex")
	if code != 1 || !strings.Contains(errs, `"globex" is more than one consumer: id 11`) || strings.Count(errs, "\n") != 1 {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, errs, code := gatehouse(t, "", "sunset", "forget", "--redis", url, "22"); code != 0 {
		t.Errorf("by id: exit code %d: %s", code, errs)
	}
	recorded, err := callers.Read(t.Context(), client, "gatehouse")
	if left := recorded.Routes["orders-v1"]; err != nil || len(left) != 1 || left[0].ID != "11" {
		t.Errorf("left: %+v, error %v", left, err)
	}
}

// TestSunsetUnnamed: of the callers of a route without a name nothing is known, and nothing
// is said but that.
func TestSunsetUnnamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kong.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(endingConfig, "name: orders-v1, ", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := gatehouse(t, "", "sunset", "report", "--config", file, "--redis", recordedCalls(t), "--if-sunset-today")
	if code != 0 || !strings.HasPrefix(out, "nobody would break, of whom it is known") || !strings.Contains(out, "\n/v1: not known, since the route has no name") || !strings.Contains(out, "\norders-v1: it has callers") {
		t.Errorf("exit code %d: %s\n%s", code, out, errs)
	}
}

// TestSunsetMistakes: each is one line that says what to do.
func TestSunsetMistakes(t *testing.T) {
	url, file, empty := recordedCalls(t), endingFile(t), "redis://"+miniredis.RunT(t).Addr()
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no config", []string{"report", "--redis", url}, 2, "name the declarative config with --config"},
		{"no such file", []string{"report", "--config", "none.yaml", "--redis", url}, 1, "none.yaml"},
		{"no Redis", []string{"report", "--config", file, "--redis", "redis://127.0.0.1:1"}, 1, "connection refused"},
		{"no URL", []string{"report", "--config", file, "--redis", "http://localhost"}, 2, "--redis: not the URL of a Redis"},
		{"nothing recorded", []string{"report", "--config", file, "--redis", empty}, 1, "nothing is recorded: write observe: true"},
		{"no such version", []string{"report", "--config", file, "--redis", url, "order-v1"}, 1, `no version that ends is on a route "order-v1"; orders-v1?`},
		{"no day", []string{"report", "--config", file, "--days", "0"}, 2, "--days 0: write 1 to 90"},
		{"no calendar of it", []string{"calendar", "--config", file, "v1"}, 1, `no version that ends is on a route "v1"`},
		{"forgets nobody", []string{"forget", "--redis", url}, 2, "name one CONSUMER"},
		{"forgets a stranger", []string{"forget", "--redis", url, "globx-crm"}, 1, `nothing is recorded of a consumer "globx-crm"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, code := gatehouse(t, "", append([]string{"sunset"}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 || out != "" {
				t.Errorf("exit code %d, %q, %q; want %d and %q", code, out, errs, tt.code, tt.want)
			}
		})
	}
}

func TestSunsetCalendar(t *testing.T) {
	out, errs, code := gatehouse(t, "", "sunset", "calendar", "--config", endingFile(t))
	if code != 0 || strings.Count(out, "BEGIN:VEVENT\r\n") != 2 || !strings.HasSuffix(out, "END:VCALENDAR\r\n") {
		t.Errorf("exit code %d: %s\n%s", code, errs, out)
	}
}

// TestSunsetOneIsBad: it is named, and the others are printed. Nothing is erased, since it may
// be recorded where nobody can read.
func TestSunsetOneIsBad(t *testing.T) {
	url, file := recordedCalls(t), filepath.Join(t.TempDir(), "kong.yaml")
	text := strings.Replace(endingConfig, `sunset_at: "2099-01-31"`, `sunset_at: "2099-01-31", after_sunset: redirect, successor: "/v2?v=2"`, 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		args      []string
		code      int
		out, errs string
	}{
		{"report", []string{"report", "--redis", url}, 0, "orders-v1  =initech", "gatehouse: warning: left out: route orders-v0: successor: "},
		{"of one", []string{"report", "--redis", url, "orders-v1"}, 0, "orders-v1  =initech", "gatehouse: warning: left out: route orders-v0: successor: "},
		{"JSON", []string{"report", "--redis", url, "-o", "json"}, 0, `"route": "orders-v0",` + "\n" + `      "mistake": "successor: `, "warning: "},
		{"of the bad one", []string{"report", "--redis", url, "orders-v0"}, 1, "", "route orders-v0: successor: "},
		{"calendar", []string{"calendar"}, 0, "SUMMARY:orders-v1 ends", "gatehouse: warning: left out: route orders-v0: successor: "},
		{"forget", []string{"forget", "--redis", url, "globex-crm"}, 1, "", "nothing is erased"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errs, code := gatehouse(t, "", append(append([]string{"sunset"}, tt.args...), "--config", file)...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) || strings.Count(errs, "\n") != 1 || strings.Contains(out, "orders-v0:") {
				t.Errorf("exit code %d, %q, %q; want %d, %q and %q", code, out, errs, tt.code, tt.out, tt.errs)
			}
		})
	}
}
