package onehop_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// trail is a process whose clock a test sets, and which has access lines.
type trail struct {
	*process
	clock time.Time
	one   *onehop.Config
}

func newTrail(t *testing.T, s sections) *trail {
	t.Helper()
	tr := &trail{process: newProcess(t, s), clock: now}
	tr.options.AccessLines, tr.options.Now = true, func() time.Time { return tr.clock }
	tr.one = tr.oneHop(t)
	return tr
}

// next is the process that takes this one's place: another runtime, whose records are in
// the same log.
func (tr *trail) next(t *testing.T, journal string) {
	t.Helper()
	tr.options.Registerer = nil
	tr.runtime = must(onehop.NewRuntime(tr.options))(t)
	if err := tr.runtime.TakeOver(journal); err != nil {
		t.Fatal(err)
	}
}

// ask has the plugin see a request.
func (tr *trail) ask(t *testing.T, id string) {
	t.Helper()
	tr.askAs(t, id, served())
}

func (tr *trail) askAs(t *testing.T, id string, req kongtest.Request) {
	t.Helper()
	_, _, _ = run(t, with(req, func(r *kongtest.Request) { r.Vars["kong_request_id"] = id }), true, tr.one.Rewrite, tr.one.Access)
}

// audited is the part of an audit record that says how much is known.
type audited struct {
	ID                  string `json:"request_id"`
	Source              string
	Status              int
	Latency             float64 `json:"latency_ms"`
	Tenant              string
	Partial, Correction bool
}

// records are the audit records so far.
func (p *process) records(t *testing.T) (list []audited) {
	t.Helper()
	for line := range strings.Lines(p.audit.String()) {
		var a audited
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("audit record %q: %v", line, err)
		}
		list = append(list, a)
	}
	return list
}

func checkRecords(t *testing.T, tr *trail, want ...audited) {
	t.Helper()
	if diff := cmp.Diff(want, tr.records(t)); diff != "" {
		t.Errorf("audit records (-want +got):\n%s\n%s", diff, &tr.audit)
	}
}

// The ids of requests, as Kong writes them.
const (
	first  = "00000000000000000000000000000001"
	second = "00000000000000000000000000000002"
)

// ended is the record of a request that ended as its line says.
func ended(id string) audited {
	return audited{ID: id, Source: "upstream", Status: 200, Latency: 44, Tenant: "acme"}
}

// TestOverdueLine: a request without a line for five minutes has a record that says so,
// and when the line comes after all, one that corrects it.
func TestOverdueLine(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	tr.ask(t, first)
	tr.clock = now.Add(3 * time.Minute)
	tr.ask(t, second)
	tr.clock = now.Add(6 * time.Minute)
	tr.runtime.Ended(line(t, second))
	unknown := audited{ID: first, Source: "unknown", Latency: 360_000, Tenant: "acme"}
	checkRecords(t, tr, ended(second), unknown)
	if !strings.Contains(tr.log.String(), "without an access line") {
		t.Error("nothing is logged")
	}
	tr.clock = now.Add(5 * time.Hour)
	tr.runtime.Ended(line(t, first))
	corrected := ended(first)
	corrected.Correction = true
	checkRecords(t, tr, ended(second), unknown, corrected)
	if spans := tr.exported(t); len(spans) != 4 {
		t.Errorf("%d spans, want two of each request", len(spans))
	}
	checkMetric(t, tr, "gatehouse_onehop_lost_access_lines_total", `gatehouse_onehop_lost_access_lines_total 0`)
}

// checkMetric compares the samples of a metric.
func checkMetric(t *testing.T, tr *trail, name string, want ...string) {
	t.Helper()
	families := must(tr.registry.Gather())(t)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		text := fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n%s\n", name, f.GetHelp(), name, strings.ToLower(f.GetType().String()), strings.Join(want, "\n"))
		if err := testutil.GatherAndCompare(tr.registry, strings.NewReader(text), name); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("there is no metric %s", name)
}

// TestLineTheLongRequestEndsWith: the line of a long request comes first where nobody
// asked meanwhile. There is nothing to correct.
func TestLineTheLongRequestEndsWith(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	tr.ask(t, first)
	tr.clock = now.Add(6 * time.Minute)
	tr.runtime.Ended(line(t, first))
	checkRecords(t, tr, ended(first))
}

// TestLostLine: after a day nobody waits for a line any more.
func TestLostLine(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	tr.ask(t, first)
	for _, wait := range []struct {
		since time.Duration
		want  []string
	}{
		{11 * time.Second, []string{`{longer_than="10s"} 1`, `{longer_than="300s"} 0`, `{longer_than="60s"} 0`}},
		{6 * time.Minute, []string{`{longer_than="10s"} 1`, `{longer_than="300s"} 1`, `{longer_than="60s"} 1`}},
		{25 * time.Hour, []string{`{longer_than="10s"} 0`, `{longer_than="300s"} 0`, `{longer_than="60s"} 0`}},
	} {
		tr.clock = now.Add(wait.since)
		tr.runtime.Ended(line(t, second)) // of nobody: what time it is
		var want []string
		for _, sample := range wait.want {
			want = append(want, "gatehouse_onehop_overdue_calls"+sample)
		}
		checkMetric(t, tr, "gatehouse_onehop_overdue_calls", want...)
	}
	checkMetric(t, tr, "gatehouse_onehop_lost_access_lines_total", `gatehouse_onehop_lost_access_lines_total 1`)
	if !strings.Contains(tr.log.String(), "access lines are lost") {
		t.Error("the loss is not logged")
	}
}

// TestCloseEndsTheRequestsInFlight: a process that nobody follows writes what it knows of
// the requests in flight, and for how long they were.
func TestCloseEndsTheRequestsInFlight(t *testing.T) {
	t.Parallel()
	for name, journaled := range map[string]bool{"without a journal": false, "with a journal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrail(t, withoutHeaders)
			file := filepath.Join(t.TempDir(), "calls")
			if journaled {
				if err := tr.runtime.TakeOver(file); err != nil {
					t.Fatal(err)
				}
			}
			tr.ask(t, first)
			tr.clock = now.Add(200 * time.Millisecond)
			if err := tr.runtime.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkRecords(t, tr, audited{ID: first, Source: "unknown", Latency: 200, Tenant: "acme"})
			checkMetric(t, tr, "gatehouse_onehop_lost_access_lines_total", `gatehouse_onehop_lost_access_lines_total 1`)
		})
	}
}

// TestRequestThatNoEventToldOf: what nginx itself refuses has a record where the plugin
// is enabled for all requests, and no record claims to know more than the line.
func TestRequestThatNoEventToldOf(t *testing.T) {
	t.Parallel()
	partial := audited{ID: first, Source: "kong", Status: 400, Latency: 44, Partial: true}
	for _, tt := range []struct {
		name     string
		sections sections
		route    string
		took     time.Duration
		want     []audited
	}{
		{"globally", withoutHeaders, "", 44 * time.Millisecond, []audited{partial}},
		{"for so long that it was given up", withoutHeaders, "", 6 * time.Minute,
			[]audited{{ID: first, Source: "kong", Status: 400, Latency: 360_000, Partial: true, Correction: true}}},
		{"on a route", withoutHeaders, "r1", 44 * time.Millisecond, nil},
		{"no audit record", sections{scrub: `{"audit":"off"}`, trace: all.trace}, "", 44 * time.Millisecond, nil},
		{"no scrubber", sections{trace: all.trace}, "", 44 * time.Millisecond, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, tt.sections)
			p.options.AccessLines = true
			tr := &trail{process: p, clock: now}
			tr.runtime = must(onehop.NewRuntime(p.options))(t)
			refused := line(t, first)
			refused.Response.Status, refused.Source, refused.Latencies.Request, refused.Tries = 400, "kong", float64(tt.took.Milliseconds()), nil
			tr.runtime.Ended(refused) // Kong starts configurations with the first request that it passes on
			checkRecords(t, tr)
			config := tr.runtime.New().(*onehop.Config)
			config.PIILogScrub, config.TraceInject, config.RouteID = p.scrub, p.trace, tt.route
			config.Run = []string{"trace_inject"}
			if p.scrub != nil {
				config.Run = append(config.Run, "pii_log_scrub")
			}
			p.start(t, config)
			if tt.route == "" {
				_, _, _ = run(t, with(served(), func(r *kongtest.Request) { r.Vars["kong_request_id"] = second }), true, config.Rewrite)
			}
			checkRecords(t, tr, tt.want...)
			again := *refused
			tr.runtime.Ended(&again)
			checkRecords(t, tr, append(tt.want, tt.want...)...)
			if err := config.Close(); err != nil {
				t.Fatal(err)
			}
			last := *refused
			tr.runtime.Ended(&last) // no configuration is in force any more
			checkRecords(t, tr, append(tt.want, tt.want...)...)
		})
	}
}

// TestDeclared: what Kong's declarative config says counts until there is a configuration.
func TestDeclared(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{scrub: `{"audit":"off"}`})
	p.options.AccessLines, p.options.AuditsAll = true, true
	tr := &trail{process: p, clock: now}
	tr.runtime = must(onehop.NewRuntime(p.options))(t)
	tr.runtime.Ended(line(t, first))
	partial := audited{ID: first, Source: "upstream", Status: 200, Latency: 44, Partial: true}
	checkRecords(t, tr, partial)
	config := tr.runtime.New().(*onehop.Config)
	config.PIILogScrub, config.Run = p.scrub, []string{"pii_log_scrub"}
	p.start(t, config)
	_, _, _ = run(t, served(), true, config.Rewrite)
	tr.runtime.Ended(line(t, second))
	checkRecords(t, tr, partial)
}

// TestConfigurationThatIsGone: Kong does not say that a configuration is not in force any
// more. Requests that were proxied without it say so.
func TestConfigurationThatIsGone(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	records := func() int { return len(tr.records(t)) }
	tr.ask(t, first)
	tr.runtime.Ended(line(t, first))
	for range 5 {
		proxied := line(t, second)
		proxied.StartedAt = float64(now.Add(time.Minute).UnixMilli())
		tr.runtime.Ended(proxied)
	}
	if n := records(); n != 4 {
		t.Errorf("%d records, want that of the first request and of three that may have lost their event", n)
	}
	refused := line(t, second)
	refused.Tries = nil
	tr.runtime.Ended(refused)
	if n := records(); n != 4 {
		t.Errorf("%d records, want none of a refused request without a configuration", n)
	}
	tr.ask(t, first) // it is in force again
	tr.runtime.Ended(refused)
	if n := records(); n != 5 {
		t.Errorf("%d records, want one of a refused request", n)
	}
}

// TestPartialRecordIsScrubbed: a line alone is scrubbed as nginx's own lines are.
func TestPartialRecordIsScrubbed(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, sections{scrub: `{"path_templates":["/users/{name}"]}`})
	tr.ask(t, "00000000000000000000000000000003") // has the configuration be in force
	refused := line(t, first)
	refused.Request.URI, refused.Request.Method = "/orders/joe@example.com?q=4111111111111111", "joe@example.com"
	tr.runtime.Ended(refused)
	refused = line(t, second)
	refused.Request.URI = "/users/ada"
	tr.runtime.Ended(refused)
	if n := strings.Count(tr.audit.String(), `"partial":true`); n != 2 {
		t.Errorf("%d partial records, want 2", n)
	}
	for _, secret := range []string{"ada", "joe@", "4111"} {
		if strings.Contains(tr.audit.String(), secret) {
			t.Errorf("%s is in %s", secret, &tr.audit)
		}
	}
}
