package onehop_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/Kong/go-pdk/entities"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// withoutHeaders is all, but for what an access line cannot tell.
var withoutHeaders = sections{scrub: `{}`, trace: all.trace, limit: all.limit, sunset: all.sunset}

// served is alice's request as testdata/record.json has it.
func served() kongtest.Request {
	return with(alice(), func(r *kongtest.Request) {
		r.Route = &entities.Route{Id: "r1", Name: "orders", Paths: []string{"/orders"}, Service: entities.ServiceKey{Id: "s1"}}
		r.Service = &entities.Service{Id: "s1", Name: "orders-v1"}
		r.Consumer, r.CredentialID = &entities.Consumer{Id: "c1", Username: "web-app"}, "k1"
	})
}

// line is what nginx's access line tells of the request in testdata/record.json.
func line(t *testing.T, requestID string) *kongrecord.Record {
	t.Helper()
	whole := must(kongrecord.Parse([]byte(record(t))))(t)
	var r kongrecord.Record
	r.Request, r.Response, r.Latencies = whole.Request, whole.Response, whole.Latencies
	r.StartedAt, r.ClientIP, r.Tries, r.Source = whole.StartedAt, whole.ClientIP, whole.Tries, whole.Source
	r.Request.ID = requestID
	return &r
}

// serialized is testdata/record.json for served.
func serialized(t *testing.T, requestID string) string {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(record(t)), &r); err != nil {
		t.Fatal(err)
	}
	r["request"].(map[string]any)["id"] = requestID
	r["route"] = map[string]any{"id": "r1", "name": "orders", "paths": []string{"/orders"}}
	r["service"] = map[string]any{"id": "s1", "name": "orders-v1"}
	r["consumer"] = map[string]any{"id": "c1", "username": "web-app"}
	r["authenticated_entity"] = map[string]any{"id": "k1"}
	return string(must(json.Marshal(r))(t))
}

// TestAccessLineIsALogEvent: the audit record and the span are the same,
// whichever way the end of a request is told.
func TestAccessLineIsALogEvent(t *testing.T) {
	t.Parallel()
	gone := withoutHeaders
	gone.sunset = strings.Replace(all.sunset, `"2027-06-30"`, `"2026-03-01"`, 1)
	versioned := withoutHeaders
	versioned.version = versions
	for _, tt := range []struct {
		name     string
		sections sections
		global   bool
		status   int
	}{
		{"on a route", withoutHeaders, false, 0},
		{"globally", withoutHeaders, true, 0},
		{"refused, on a route", gone, false, http.StatusGone},
		{"refused, globally", gone, true, http.StatusGone},
		{"with a version", versioned, true, 0},
		{"no trace", sections{scrub: `{}`}, true, 0},
		{"no audit record", sections{scrub: `{"audit":"off"}`, trace: all.trace}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const id = "6b3f0a1c2d4e5f60718293a4b5c6d7e8"
			type told struct {
				Audit string
				Spans []string
			}
			both := map[bool]told{}
			for _, accessLines := range []bool{false, true} {
				p := newProcess(t, tt.sections)
				p.options.AccessLines = accessLines
				config := p.oneHop(t)
				handlers := []handler{config.Access}
				if tt.global {
					handlers = []handler{config.Rewrite, config.Access}
				}
				o, after, _ := run(t, served(), true, handlers...)
				if o.Status != tt.status {
					t.Fatalf("status %d, want %d", o.Status, tt.status)
				}
				if accessLines {
					p.runtime.Ended(line(t, id))
				} else {
					after.Log = withLogFields(t, serialized(t, id), o)
					_, _, _ = run(t, after, true, config.Log)
				}
				spans := []string(nil)
				if p.trace != nil {
					spans = p.exported(t)
				}
				both[accessLines] = told{p.audit.String(), spans}
			}
			if both[true].Audit == "" && len(both[true].Spans) == 0 {
				t.Error("nothing was told")
			}
			if diff := cmp.Diff(both[false], both[true]); diff != "" {
				t.Errorf("told (-log event +access line):\n%s", diff)
			}
		})
	}
}

// TestWithoutLogPlugins makes no calls that only log plugins have something of, and
// tells the same of the request.
func TestWithoutLogPlugins(t *testing.T) {
	t.Parallel()
	const id = "6b3f0a1c2d4e5f60718293a4b5c6d7e8"
	reads := []string{shared, route, consumer, credential, headers, path}
	for _, tt := range []struct {
		name                 string
		global, accessLines  bool
		wantAccess, wantEnds []string
	}{
		{"log event", false, false, slices.Concat([]string{variable}, reads, []string{logField, response, upstream}), []string{serialize}},
		{"log event, globally", true, false, slices.Concat([]string{shared, variable}, reads, []string{logField, response, upstream}), []string{serialize}},
		{"access line", false, true, []string{variable, shared, credential, consumer, route, service, headers, path, response, upstream}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			told := map[bool]string{}
			for _, none := range []bool{false, true} {
				p := newProcessWith(t, withoutHeaders, none)
				p.options.AccessLines = tt.accessLines
				config := p.oneHop(t)
				req, before := keyed(), outcome{}
				if tt.global {
					before, req, _ = run(t, req, true, config.Rewrite)
				}
				o, after, calls := run(t, req, true, config.Access)
				maps.Copy(o.Logged, before.Logged)
				if diff := cmp.Diff(tt.wantAccess, calls); none && diff != "" {
					t.Errorf("calls of the access event (-want +got):\n%s", diff)
				}
				var ends []string
				if tt.accessLines {
					p.runtime.Ended(line(t, id))
				} else {
					after.Log = withLogFields(t, serialized(t, id), o)
					_, _, ends = run(t, after, true, config.Log)
				}
				if diff := cmp.Diff(tt.wantEnds, ends); none && diff != "" {
					t.Errorf("calls of the log event (-want +got):\n%s", diff)
				}
				told[none] = p.audit.String() + strings.Join(p.exported(t), "\n")
			}
			if diff := cmp.Diff(told[false], told[true]); diff != "" {
				t.Errorf("told (-with log plugins +without):\n%s", diff)
			}
			if !strings.Contains(told[true], `"tenant-rate-limit":"allowed"`) {
				t.Errorf("told: %s", told[true])
			}
		})
	}
}

// TestApartWithoutLogPlugins: the four apart, without a log plugin, tell the same in
// fewer calls.
func TestApartWithoutLogPlugins(t *testing.T) {
	t.Parallel()
	told, calls := map[bool]string{}, map[bool]int{}
	for _, none := range []bool{false, true} {
		p := newProcessWith(t, withoutHeaders, none)
		_, access, log := p.apart(t)
		if none {
			access = access[1:] // pii-log-scrub has no such phase then
		}
		o, after, made := run(t, keyed(), true, access...)
		after.Log = withLogFields(t, serialized(t, "6b3f0a1c2d4e5f60718293a4b5c6d7e8"), o)
		_, _, ends := run(t, after, true, log...)
		told[none] = p.audit.String() + strings.Join(p.exported(t), "\n")
		calls[none] = len(made) + len(ends)
	}
	if diff := cmp.Diff(told[false], told[true]); diff != "" {
		t.Errorf("told (-with log plugins +without):\n%s", diff)
	}
	if diff := cmp.Diff(map[bool]int{false: 34, true: 21}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// keyed is served's request by a key in place of a token.
func keyed() kongtest.Request {
	return with(served(), func(r *kongtest.Request) { r.Shared = nil })
}

// withLogFields is a record with the fields that the plugin has set for it.
func withLogFields(t *testing.T, record string, o outcome) string {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		t.Fatal(err)
	}
	if id, ok := o.Logged["trace_id"]; ok {
		r["trace_id"] = id
	}
	decisions := map[string]any{}
	for key, value := range o.Logged {
		if plugin, ok := strings.CutPrefix(key, "gatehouse."); ok {
			decisions[plugin] = value
		}
	}
	if len(decisions) > 0 {
		r["gatehouse"] = decisions
	}
	return string(must(json.Marshal(r))(t))
}

func TestARequestThatKongRefusesHasNoRoute(t *testing.T) {
	t.Parallel()
	p := newProcess(t, withoutHeaders)
	p.options.AccessLines = true
	config := p.oneHop(t)
	_, _, _ = run(t, anonymous(), true, config.Rewrite)
	end := line(t, "6b3f0a1c2d4e5f60718293a4b5c6d7e8")
	end.Response.Status, end.Source = http.StatusUnauthorized, "kong"
	p.runtime.Ended(end)
	var audit struct {
		Route, Source, Tenant string
		Status                int
		TraceID               string `json:"trace_id"`
	}
	if err := json.Unmarshal(p.audit.Bytes(), &audit); err != nil {
		t.Fatalf("audit record %q: %v", p.audit.String(), err)
	}
	if audit.Status != http.StatusUnauthorized || audit.Source != "kong" || audit.TraceID == "" || audit.Route+audit.Tenant != "" {
		t.Errorf("audit record %+v, want a 401 of Kong's in a trace, without a route or a tenant", audit)
	}
}

func TestAccessLinesHaveNoResponseHeaders(t *testing.T) {
	t.Parallel()
	p := newProcess(t, all)
	p.options.AccessLines = true
	config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
	config.Run, config.PIILogScrub = []string{"pii_log_scrub"}, p.scrub
	if err := config.Provision(); err == nil || !strings.Contains(err.Error(), "pii_log_scrub.response_headers") || !strings.Contains(err.Error(), "GATEHOUSE_LOG_PHASE") {
		t.Errorf("Provision = %v, want an error that names the field and the way out", err)
	}
}
