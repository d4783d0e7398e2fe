package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/endings"
)

// sunset runs gatehouse sunset with the Redis of the gateway under test.
func sunset(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(gate.bin, "gatehouse"), append([]string{"sunset"}, args...)...)
	cmd.Env = append(os.Environ(), "REDIS_URL="+cmp.Or(os.Getenv("REDIS_URL"), "redis://"+gate.ports.Redis.Addr()+"/0"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// endingOn is the plugin that ends a version and records who calls it: apart, or as a
// section of the route's own one hop.
func endingOn(t *testing.T, config map[string]any, life fields) any {
	t.Helper()
	life["observe"] = true
	if !oneHop() {
		return kongPlugin("sunset-headers", life)
	}
	sections := maps.Clone(globalPlugin(t, config["plugins"].([]any), "gatehouse")["config"].(map[string]any))
	delete(sections, "api_version") // which is for all requests
	run := slices.DeleteFunc(slices.Clone(sections["run"].([]any)), func(name any) bool { return name == "api_version" })
	sections["run"], sections["sunset_headers"] = append(run, "sunset_headers"), life
	return kongPlugin("gatehouse", sections)
}

// TestWhoStillCalls: two consumers call a version that ends; the report has both, with what
// became of their calls, until one is forgotten. The calendar names neither.
func TestWhoStillCalls(t *testing.T) {
	notShort(t)
	needHere(t)
	mark := fmt.Sprint(time.Now().UnixNano())
	route, two := "who-"+mark, []string{"erp-" + mark, "crm-" + mark}
	file := filepath.Join(t.TempDir(), "kong.yaml")
	edit := func(config map[string]any) {
		for _, name := range two {
			config["consumers"] = append(config["consumers"].([]any), fields{
				"username": name, "custom_id": "of-" + name, "acls": []fields{{"group": "partners"}}, "keyauth_credentials": []fields{{"key": "key-of-" + name}},
			})
		}
		addKongPlugins(t, config, map[string][]any{route: {endingOn(t, config, fields{
			"deprecated_at": date(-30 * aDay), "sunset_at": date(30 * aDay), "successor": "/partner/v2/orders{+rest}",
			"brownouts":  []fields{{"start_at": date(10 * aDay), "duration_seconds": 600}},
			"exemptions": []fields{{"consumer": two[1], "until": date(60 * aDay)}},
		})}})
	}
	if err := os.WriteFile(file, changed(t, edit), 0o600); err != nil {
		t.Fatal(err)
	}
	restore := useConfig(t, edit)
	defer restore()
	for i, calls := range []int{3, 5} {
		for range calls {
			get(t, "/"+route, "apikey: key-of-"+two[i], "User-Agent: sync/4.2 (jane.doe@example.com)").wantStatus(t, http.StatusOK)
		}
	}
	wantReported(t, file, route, map[string]int64{two[0]: 3, two[1]: 5})
	if rows := reported(t, file, route, "--if-sunset-today"); len(rows) != 1 || rows[0].Consumer != two[0] {
		t.Errorf("if it ended today, these would break: %+v; want %s alone", rows, two[0])
	}
	if _, errs, err := sunset(t, "forget", two[0]); err != nil {
		t.Fatalf("forget: %v: %s", err, errs)
	}
	if rows := reported(t, file, route); len(rows) != 1 || rows[0].Consumer != two[1] {
		t.Errorf("after one was forgotten: %+v", rows)
	}
	wantCalendar(t, file, route, two)
}

// reported are the rows of a report on a route.
func reported(t *testing.T, file, route string, args ...string) []endings.Row {
	t.Helper()
	out, errs, err := sunset(t, append([]string{"report", "--config", file, "-o", "json", route}, args...)...)
	if err != nil {
		if strings.Contains(errs, "nothing is recorded") {
			return nil // yet
		}
		t.Fatalf("report: %v: %s", err, errs)
	}
	var report endings.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return report.Rows
}

// wantReported waits until nodes have written so many calls of each consumer.
func wantReported(t *testing.T, file, route string, want map[string]int64) {
	t.Helper()
	eventuallyWithin(t, 30*time.Second, "the report of all calls", func() bool {
		got := map[string]int64{}
		for _, row := range reported(t, file, route) {
			got[row.Consumer] = row.Calls
			if row.Tenant != "of-"+row.Consumer || !slices.Equal(row.Agents, []string{"sync/4.2"}) {
				t.Errorf("reported: %+v", row)
			}
		}
		return maps.Equal(got, want)
	})
}

func wantCalendar(t *testing.T, file, route string, nobody []string) {
	t.Helper()
	out, errs, err := sunset(t, "calendar", "--config", file, route)
	if err != nil {
		t.Fatalf("calendar: %v: %s", err, errs)
	}
	if n := strings.Count(out, "BEGIN:VEVENT\r\n"); n != 3 {
		t.Errorf("%d events, want the deprecation, the brownout and the end:\n%s", n, out)
	}
	for _, name := range nobody {
		if strings.Contains(out, name) {
			t.Errorf("the calendar names %s", name)
		}
	}
}
