package onehop_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestNextProcessGoesOn: the audit record and the span of a request are the same,
// whichever process gets its access line.
func TestNextProcessGoesOn(t *testing.T) {
	t.Parallel()
	anonymousRoute := with(anonymous(), func(r *kongtest.Request) { r.Route = served().Route })
	continued := with(served(), func(r *kongtest.Request) {
		r.Vars["http_tracestate"] = "a=b,c=d"
	})
	for name, tt := range map[string]struct {
		req    kongtest.Request
		killed bool
	}{
		"ended in order":       {served(), false},
		"killed":               {served(), true},
		"nobody authenticated": {anonymousRoute, true},
		"by a key":             {keyed(), true},
		"a tracestate":         {continued, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type told struct {
				Audit string
				Spans []string
			}
			both := map[bool]told{}
			for _, restarted := range []bool{false, true} {
				tr := newTrail(t, withoutHeaders)
				journal := filepath.Join(t.TempDir(), "calls")
				if err := tr.runtime.TakeOver(journal); err != nil {
					t.Fatal(err)
				}
				tr.askAs(t, first, tt.req)
				if restarted && tt.killed {
					journal = copied(t, journal)
				}
				if restarted {
					if err := tr.runtime.HandOver(); err != nil {
						t.Fatal(err)
					}
					if err := tr.runtime.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
					tr.next(t, journal)
				}
				tr.runtime.Ended(line(t, first))
				if err := tr.runtime.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				both[restarted] = told{tr.audit.String(), tr.exported(t)}
			}
			if diff := cmp.Diff(both[false], both[true]); diff != "" {
				t.Errorf("told (-one process +two):\n%s", diff)
			}
		})
	}
}

// copied is what a process that is killed now leaves.
func copied(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEventsGoOnInTheNextProcess: a request whose rewrite phase another process ran is
// one request.
func TestEventsGoOnInTheNextProcess(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	journal := filepath.Join(t.TempDir(), "calls")
	if err := tr.runtime.TakeOver(journal); err != nil {
		t.Fatal(err)
	}
	req := with(served(), func(r *kongtest.Request) { r.Vars["kong_request_id"] = first })
	_, req, _ = run(t, req, true, tr.one.Rewrite)
	journal = copied(t, journal)
	tr.options.Registerer = nil
	tr.one = tr.oneHop(t)
	if err := tr.runtime.TakeOver(journal); err != nil {
		t.Fatal(err)
	}
	_, _, _ = run(t, req, true, tr.one.Access)
	tr.runtime.Ended(line(t, first))
	checkRecords(t, tr, ended(first))
	tr.next(t, copied(t, journal))
	if err := tr.runtime.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkRecords(t, tr, ended(first))
}

// TestOverdueInTheNextProcess: what has a record already gets no second one, but a
// correction when its line comes.
func TestOverdueInTheNextProcess(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	journal := filepath.Join(t.TempDir(), "calls")
	if err := tr.runtime.TakeOver(journal); err != nil {
		t.Fatal(err)
	}
	tr.ask(t, first)
	tr.clock = now.Add(6 * time.Minute)
	tr.ask(t, second)
	unknown := audited{ID: first, Source: "unknown", Latency: 360_000, Tenant: "acme"}
	checkRecords(t, tr, unknown)
	tr.next(t, copied(t, journal))
	tr.clock = now.Add(7 * time.Minute)
	tr.runtime.Ended(line(t, second))
	tr.runtime.Ended(line(t, first))
	corrected := ended(first)
	corrected.Correction = true
	checkRecords(t, tr, unknown, ended(second), corrected)
}

// TestTooMuchToLeave: a request of which there is too much to say is left as far as there
// is room.
func TestTooMuchToLeave(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		long func(*kongtest.Request)
		want audited
	}{
		{"path", func(r *kongtest.Request) { r.Vars["request_uri"] = "/" + strings.Repeat("a", 5000) }, ended(first)},
		{"name", func(r *kongtest.Request) { r.Consumer.Username = strings.Repeat("a", 5000) },
			audited{ID: first, Source: "upstream", Status: 200, Latency: 44, Partial: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrail(t, withoutHeaders)
			journal := filepath.Join(t.TempDir(), "calls")
			if err := tr.runtime.TakeOver(journal); err != nil {
				t.Fatal(err)
			}
			tr.askAs(t, first, with(served(), tt.long))
			tr.next(t, copied(t, journal))
			tr.runtime.Ended(line(t, first))
			checkRecords(t, tr, tt.want)
		})
	}
}

// TestUnreadableLeftovers are counted and said, and take no other with them.
func TestUnreadableLeftovers(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, withoutHeaders)
	journal := filepath.Join(t.TempDir(), "calls")
	if err := tr.runtime.TakeOver(journal); err != nil {
		t.Fatal(err)
	}
	tr.ask(t, first)
	tr.ask(t, second)
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.IndexByte(text, '{')] = '!'
	journal = filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(journal, text, 0o600); err != nil {
		t.Fatal(err)
	}
	tr.next(t, journal)
	tr.runtime.Ended(line(t, second))
	checkRecords(t, tr, ended(second))
	if !strings.Contains(tr.log.String(), "a request of the last process is lost") {
		t.Errorf("log: %s", &tr.log)
	}
}
