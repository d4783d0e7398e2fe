package onehop_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

const (
	variable   = "kong.nginx.get_var"
	shared     = "kong.ctx.shared.get"
	share      = "kong.ctx.shared.set"
	headers    = "kong.request.get_headers"
	consumer   = "kong.client.get_consumer"
	credential = "kong.client.get_credential"
	route      = "kong.router.get_route"
	service    = "kong.router.get_service"
	path       = "kong.request.get_path"
	logField   = "kong.log.set_serialize_value"
	serialize  = "kong.log.serialize"
	response   = "kong.response.set_headers"
	upstream   = "kong.service.request.set_headers"
	exit       = "kong.response.exit"
)

// times repeats a call.
func times(n int, call string) []string { return slices.Repeat([]string{call}, n) }

// TestCallsToKong: each costs the gateway's worker 9 to 15 µs.
func TestCallsToKong(t *testing.T) {
	t.Parallel()
	scrubbed := slices.Concat([]string{headers}, times(7, logField))
	traced := slices.Concat([]string{share}, times(3, logField)) // the ids, and that there are spans
	written := []string{response, upstream}
	refusing := all
	refusing.limit = strings.Replace(all.limit, `"redis":{`, `"on_redis_error":"deny","redis":{"url":"redis://127.0.0.1:1",`, 1)
	noRest := all
	noRest.sunset = strings.Replace(all.sunset, `{+rest}`, ``, 1)
	tests := []struct {
		name     string
		sections sections
		req      kongtest.Request
		want     []string
	}{
		{"token", noRest, alice(), slices.Concat([]string{variable, shared, route, headers, consumer}, scrubbed, traced, times(2, logField), written)},
		{"key", noRest, partner(), slices.Concat([]string{variable, shared, route, consumer, credential, headers}, scrubbed, traced, times(2, logField), written)},
		{"with the path's rest", all, alice(), slices.Concat([]string{variable, shared, route, headers, consumer, path}, scrubbed, traced, times(2, logField), written)},
		{"refused", refusing, alice(), slices.Concat([]string{variable, shared, route, headers, consumer, path}, scrubbed, traced, []string{logField, exit})},
		{"trace alone", sections{trace: all.trace}, alice(), slices.Concat([]string{variable}, traced, written)},
		{"limit alone", sections{limit: all.limit}, alice(), slices.Concat([]string{shared, route, headers, logField, response, upstream})},
		{"sunset alone", sections{sunset: noRest.sunset}, alice(), []string{route, consumer, logField, response}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newProcess(t, tt.sections).oneHop(t)
			got := kongtest.Run(t, config.Access, kongrequesttest.Installed(t, tt.req)).Calls
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPhasesShareTheWork: behind a rewrite phase the access phase does only what
// that could not, be it the same configuration's or not.
func TestPhasesShareTheWork(t *testing.T) {
	t.Parallel()
	p := newProcess(t, all)
	global := p.oneHop(t)
	_, after, calls := run(t, alice(), true, global.Rewrite)
	want := slices.Concat([]string{variable, headers}, times(7, logField), []string{share}, times(2, logField), []string{share, response})
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("rewrite (-want +got):\n%s", diff)
	}
	_, _, calls = run(t, after, true, global.Access)
	want = []string{shared, variable, shared, route, headers, consumer, path, logField, share, logField, logField, logField, logField, logField, response, upstream}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}

	limitOnly := newProcess(t, sections{limit: all.limit}).oneHop(t)
	if _, _, calls := run(t, alice(), true, limitOnly.Rewrite); len(calls) > 0 {
		t.Errorf("a rewrite phase with nothing to do calls %v", calls)
	}
}

func TestLogAsksOnce(t *testing.T) {
	t.Parallel()
	quiet := sections{scrub: `{"audit":"off"}`, trace: `{"sample_ratio":0,"incoming":"restart"}`, limit: all.limit}
	for _, tt := range []struct {
		name     string
		sections sections
		want     []string
	}{
		{"audit and span", sections{scrub: `{}`, trace: all.trace}, []string{serialize, shared, shared}},
		{"audit alone", sections{scrub: `{}`}, []string{serialize, shared}},
		{"span alone", sections{trace: all.trace}, []string{shared, serialize}},
		{"neither", quiet, []string{shared}},
		{"no section that logs", sections{limit: all.limit}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newProcess(t, tt.sections).oneHop(t)
			_, after, _ := run(t, alice(), true, config.Access)
			after.Log = record(t)
			if diff := cmp.Diff(tt.want, kongtest.Run(t, config.Log, after).Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPanicIsOneSectionsOwn: whichever section panics, its direction applies, and
// the others do their work.
func TestPanicIsOneSectionsOwn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		section                 string
		status                  int
		dropped, traced, sunset bool
	}{
		{"pii_log_scrub", 0, true, true, true},
		{"trace_inject", 0, false, false, true},
		{"tenant_rate_limit", http.StatusInternalServerError, false, true, false},
		{"sunset_headers", 0, false, true, false},
	} {
		t.Run(tt.section, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, all)
			config := p.oneHop(t)
			p.panics = tt.section
			for range 2 {
				o, _, _ := run(t, alice(), true, config.Access)
				if o.Status != tt.status {
					t.Errorf("status %d, want %d", o.Status, tt.status)
				}
				got := []bool{o.Logged["request.uri"] == "[dropped]", o.Response.Get("X-Trace-Id") != "", o.Response.Get("Sunset") != ""}
				if diff := cmp.Diff([]bool{tt.dropped, tt.traced, tt.sunset}, got); diff != "" {
					t.Errorf("dropped, traced, sunset (-want +got):\n%s", diff)
				}
				if o.Status == 0 && o.Upstream.Get("X-Tenant-Id") != "acme" {
					t.Errorf("upstream headers %v: the verified identity is not there", o.Upstream)
				}
			}
			_, _, _ = run(t, with(alice(), func(r *kongtest.Request) { r.Log = record(t) }), true, config.Log)
			if got := p.failures(t); got[tt.section] < 2 || len(got) != 1 {
				t.Errorf("failures by section: %v", got)
			}
			if n := strings.Count(p.log.String(), `"stack"`); n != 1 {
				t.Errorf("%d stacks are logged in one second, want 1", n)
			}
		})
	}
}

// TestFailedAppliesDirections: an event that was cut off could be in any section. The
// limiter decides without Redis, and issues the identity.
func TestFailedAppliesDirections(t *testing.T) {
	t.Parallel()
	refusing := all
	refusing.limit = strings.Replace(all.limit, `{`, `{"on_redis_error":"deny",`, 1)
	for _, tt := range []struct {
		name             string
		sections         sections
		phase            any
		status           int
		issues, droppeds bool
	}{
		{"access", all, 0x20, 0, true, true},
		{"phase unknown", all, nil, 0, true, true},
		{"access, deny", refusing, 0x20, http.StatusServiceUnavailable, false, true},
		{"rewrite", all, 0x10, 0, false, true},
		{"log", all, 0x2000, 0, false, false},
		{"no limiter", sections{scrub: all.scrub, trace: all.trace}, 0x20, 0, false, true},
		{"neither", sections{sunset: all.sunset}, 0x20, 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newProcess(t, tt.sections).oneHop(t)
			req := alice()
			req.Ctx = map[string]any{"KONG_PHASE": tt.phase}
			effects := kongtest.Run(t, func(kong *pdk.PDK) { config.Failed(kong, errors.New("cut off")) }, req)
			if got := statusOf(effects); got != tt.status || (len(effects.Serialized) > 0) != tt.droppeds {
				t.Errorf("status %d, want %d; log fields %v", got, tt.status, effects.Serialized)
			}
			if got := effects.Service.Headers.Get("X-Tenant-Id"); (got == "acme") != tt.issues {
				t.Errorf("X-Tenant-Id %q", got)
			}
		})
	}
}

func statusOf(e kongtest.Effects) int {
	if e.Exit == nil {
		return 0
	}
	return e.Exit.Status
}

// TestFailedWithoutIdentity: what cannot be vouched for is refused, also where the
// limiter fails again.
func TestFailedWithoutIdentity(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{limit: all.limit})
	config := p.oneHop(t)
	p.panics = "tenant_rate_limit"
	effects := kongtest.Run(t, func(kong *pdk.PDK) { config.Failed(kong, errors.New("cut off")) }, alice())
	if got := statusOf(effects); got != http.StatusInternalServerError {
		t.Errorf("status %d", got)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	if d := newProcess(t, all).oneHop(t).Deadline(); d != 2100*time.Millisecond { // for timeout_ms 1000
		t.Errorf("deadline %v", d)
	}
	if d := newProcess(t, sections{trace: all.trace}).oneHop(t).Deadline(); d != 0 {
		t.Errorf("without a limiter, deadline %v", d)
	}
}

// TestLostConnectionAdmitsNobody: Kong lost in mid-event answers nothing, and the
// plugin says no more.
func TestLostConnectionAdmitsNobody(t *testing.T) {
	t.Parallel()
	for _, method := range []string{variable, headers, logField, share, shared, consumer, route, response, upstream} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, all)
			req := partner()
			req.Throws = []string{method}
			effects := kongtest.Run(t, p.oneHop(t).Access, req)
			if last := effects.Calls[len(effects.Calls)-1]; effects.Exit != nil || last != method {
				t.Errorf("exit %v, and after %s threw, the plugin went on to %s", effects.Exit, method, last)
			}
			if !strings.Contains(p.log.String(), `"level":"ERROR"`) {
				t.Errorf("log says %q", p.log.String())
			}
		})
	}
}
