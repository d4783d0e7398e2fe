package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// trail is a runtime whose clock a test sets, and whose audit records it reads.
type trail struct {
	*piilogscrub.Runtime
	registry *prometheus.Registry
	clock    time.Time
	out      bytes.Buffer
}

func newTrail(t *testing.T) *trail {
	t.Helper()
	tr := &trail{clock: time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC), registry: prometheus.NewRegistry()}
	var err error
	tr.Runtime, err = piilogscrub.NewRuntime(piilogscrub.Options{
		Audit: auditlog.NewHandler(&tr.out), Registerer: tr.registry, Now: func() time.Time { return tr.clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// config is a configuration of all requests, or of a route's.
func (tr *trail) config(t *testing.T, audit, route string) *piilogscrub.Config {
	t.Helper()
	c := tr.New().(*piilogscrub.Config)
	c.Audit, c.RouteID = audit, route
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	return c
}

// logEvent is Kong's log event of a request.
func logEvent(t *testing.T, c *piilogscrub.Config, id string) {
	t.Helper()
	kongtest.Run(t, c.Log, kongtest.Request{Log: fmt.Sprintf(`{"request":{"id":%q,"method":"GET","uri":"/x"},"response":{"status":200},"source":"upstream"}`, id)})
}

// line is nginx's access line of a request.
func (tr *trail) line(id string) {
	r := &kongrecord.Record{ClientIP: "203.0.113.77", Source: "upstream"}
	r.Request.ID, r.Request.Method, r.Request.URI, r.Response.Status = id, "GET", "/x/ada@example.com", 200
	tr.Ended(r)
}

func (tr *trail) wait(d time.Duration) {
	tr.clock = tr.clock.Add(d)
	tr.GiveUp()
}

// records are the audit records so far: the id, and how much is known.
func (tr *trail) records(t *testing.T) (list []string) {
	t.Helper()
	checkClean(t, tr.out.String())
	for text := range strings.Lines(tr.out.String()) {
		var r struct {
			ID                  string `json:"request_id"`
			Partial, Correction bool
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		word := r.ID
		if r.Partial {
			word += " partial"
		}
		if r.Correction {
			word += " correction"
		}
		list = append(list, word)
	}
	return list
}

// counter is the value of a counter.
func (tr *trail) counter(t *testing.T, name string) float64 {
	t.Helper()
	families, err := tr.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].Counter.GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestLogEventThatDoesNotCome: the access line of a request makes its record then.
func TestLogEventThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		events func(*testing.T, *trail)
		want   []string
	}{
		"none for a request": {func(t *testing.T, tr *trail) {
			c := tr.config(t, "on", "")
			tr.line("1")
			logEvent(t, c, "1")
			tr.line("2")
			tr.wait(10 * time.Second)
		}, []string{"1", "2 partial"}},
		"late": {func(t *testing.T, tr *trail) {
			c := tr.config(t, "on", "")
			logEvent(t, c, "1")
			tr.line("2")
			tr.wait(10 * time.Second)
			logEvent(t, c, "2")
			tr.wait(time.Minute)
		}, []string{"1", "2 partial", "2 correction"}},
		"no line": {func(t *testing.T, tr *trail) {
			logEvent(t, tr.config(t, "on", ""), "1")
			tr.wait(time.Minute)
		}, []string{"1"}},
		"on one route only": {func(t *testing.T, tr *trail) { // it is not known whose line it is
			logEvent(t, tr.config(t, "on", "r1"), "1")
			tr.line("1")
			tr.line("2")
			tr.wait(time.Minute)
		}, []string{"1"}},
		"not wanted on a route": {func(t *testing.T, tr *trail) {
			logEvent(t, tr.config(t, "on", ""), "1")
			off := tr.config(t, "off", "r1")
			tr.line("2")
			logEvent(t, off, "2")
			tr.wait(time.Minute)
		}, []string{"1"}},
		"not wanted": {func(t *testing.T, tr *trail) {
			logEvent(t, tr.config(t, "off", ""), "1")
			tr.line("1")
			tr.wait(time.Minute)
		}, nil},
		"not wanted any more": {func(t *testing.T, tr *trail) {
			c := tr.config(t, "on", "")
			logEvent(t, c, "1")
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			tr.line("2")
			tr.wait(time.Minute)
		}, []string{"1"}},
		"at the end": {func(t *testing.T, tr *trail) {
			logEvent(t, tr.config(t, "on", ""), "1")
			tr.line("2")
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
		}, []string{"1", "2 partial"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrail(t)
			tt.events(t, tr)
			if diff := cmp.Diff(tt.want, tr.records(t)); diff != "" {
				t.Errorf("audit records (-want +got):\n%s", diff)
			}
			partial := 0.0
			for _, r := range tt.want {
				if strings.HasSuffix(r, "partial") {
					partial++
				}
			}
			for _, name := range []string{"gatehouse_audit_partial_records_total", "gatehouse_audit_lost_log_events_total"} {
				if got := tr.counter(t, name); got != partial {
					t.Errorf("%s is %g, want %g", name, got, partial)
				}
			}
		})
	}
}
