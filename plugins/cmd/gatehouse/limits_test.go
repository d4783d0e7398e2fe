package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// busy is recorded traffic: a user who asks for 30 in one minute, and 1,000
// minutes of another's single requests.
func busy(observe func(at time.Time, tenant, user string)) {
	at := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for i := range 1000 {
		observe(at.Add(time.Duration(i)*time.Minute), "globex", "bob")
		if i < 30 {
			observe(at.Add(time.Duration(i)*time.Second), "acme", "alice")
		}
	}
}

// wantAdvice checks what matters of the table: peaks, whose, and what a limit of
// one a minute would have denied.
func wantAdvice(t *testing.T, out string, wants ...string) {
	t.Helper()
	text := strings.Join(strings.Fields(out), " ")
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestAdviseOnRecordedTraffic(t *testing.T) {
	var log bytes.Buffer
	busy(func(at time.Time, tenant, user string) {
		fmt.Fprintf(&log, `{"time":%q,"log":"audit","tenant":%q,"user":%q,"route":"orders"}`+"\n", at.Format(time.RFC3339), tenant, user)
	})
	log.WriteString(`{"level":"INFO","msg":"serving"}` + "\n")
	out, errs, code := gatehouse(t, log.String(), "limits", "advise", "-traffic", "-")
	if code != 0 || !strings.Contains(errs, "read 1030 requests; beside them 1 line of other logs, and 0 requests") {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	wantAdvice(t, out,
		"user all 1030 30 alice 300: 0 (0.00%), 30: 0 (0.00%), 29: 1 (0.10%), 21: 9 (0.87%)",
		"tenant acme 30 30 - 300: 0 (0.00%), 30: 0 (0.00%)",
		"route orders 1030 31 -",
		"- { name: user, scope: [user], algorithm: fixed_window, limit: 300, window_seconds: 60 }",
	)
}

func TestAdviseOnWhatRedisKnows(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	client, err := redisurl.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := usage.NewRecorder(client, "edge", "node", 10_000, func(int) { t.Error("requests are lost") })
	recent := time.Now().Add(-24 * time.Hour).Truncate(time.Hour)
	first := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	busy(func(at time.Time, tenant, user string) {
		r.Observe(recent.Add(at.Sub(first)), usage.Request{Realm: "t." + tenant, User: "u." + user, Route: "orders", Units: 1})
	})
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	out, errs, code := gatehouse(t, "", "limits", "advise", "-redis", url, "-prefix", "edge", "-top", "1")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	wantAdvice(t, out, "user all 1030 30 alice 300: 0 (0.00%), 30: 0 (0.00%)", "tenant acme 30 30 -")
	if strings.Contains(out, "globex") {
		t.Errorf("more than the busiest is listed:\n%s", out)
	}
}

func TestAdviseRefuses(t *testing.T) {
	empty := "redis://" + miniredis.RunT(t).Addr()
	for want, args := range map[string][]string{
		"nothing was observed":   {"-redis", empty},
		"no-such.jsonl":          {"-traffic", "no-such.jsonl"},
		"read what was observed": {"-redis", "redis://127.0.0.1:1"},
	} {
		if _, errs, code := gatehouse(t, "", append([]string{"limits", "advise"}, args...)...); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d and %q, want 1 and %q", code, errs, want)
		}
	}
}

// TestAdviseWarnsOfRedactedUsers: of users that the log does not tell apart nothing is proposed.
func TestAdviseWarnsOfRedactedUsers(t *testing.T) {
	line := `{"time":"2026-03-14T15:00:00Z","log":"audit","tenant":"acme","user":"[user]","route":"orders"}` + "\n"
	out, errs, code := gatehouse(t, line+line, "limits", "advise", "--traffic", "-")
	if code != 0 || !strings.Contains(errs, "warning: 2 of the requests are of users whom the log calls [user]") || strings.Contains(out, "[user]") || strings.Contains(out, "scope: [user]") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	if _, errs, _ := gatehouse(t, strings.ReplaceAll(line, "[user]", "user:k1:9f86d081884c7d65"), "limits", "advise", "--traffic", "-"); strings.Contains(errs, "warning") {
		t.Errorf("it warns of nothing: %s", errs)
	}
}

// TestAdviseSaysWhatAFileIsNot: a file with no record of a request is told from one that has
// no demand in it.
func TestAdviseSaysWhatAFileIsNot(t *testing.T) {
	exempt := `{"time":"2026-03-14T15:00:00Z","log":"audit","route":"health","policies":{"tenant-rate-limit":"exempt"}}` + "\n"
	for name, tt := range map[string]struct{ log, want string }{
		"empty":   {"", "gatehouse: standard input: it is empty; give audit records"},
		"garbage": {"\x00\x01 garbage\nmore\n", `gatehouse: standard input: none of its 2 lines is the record of a request; line 1, "\x00\x01 garbage": it is no JSON object; give audit records`},
		"objects": {`{"msg":"serving"}`, `line 1, "{\"msg\":\"serving\"}": it has neither a time and a route`},
		"exempt":  {exempt + exempt, "no limit was asked about any of its 2 requests"},
	} {
		if _, errs, code := gatehouse(t, tt.log, "limits", "advise", "--traffic", "-"); code != 1 || !strings.Contains(errs, tt.want) || strings.Contains(errs, "observe") {
			t.Errorf("%s: exit code %d and %q, want %q", name, code, errs, tt.want)
		}
	}
}
