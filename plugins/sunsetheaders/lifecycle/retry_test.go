package lifecycle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRetryAfter: a refusal in a brownout says when this caller is let in again, to the
// second, and nothing where that is never.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	share := func(start, end string, from, to float64) Ramp { return Ramp{Window{day(start), day(end)}, from, to} }
	hour := []Window{{day("2027-06-29T23:00:00Z"), day("2027-06-30")}}
	tests := []struct {
		name   string
		change func(*Terms)
		now    string
		want   string // empty for never
	}{
		{"all calls, within a minute", func(t *Terms) {
			t.Ramps = []Ramp{share("2027-05-01T04:53:00Z", "2027-05-01T04:53:07Z", 100, 100)}
		}, "2027-05-01T04:53:01Z", "2027-05-01T04:53:07Z"},
		{"all calls, for weeks", func(t *Terms) {
			t.Ramps = []Ramp{share("2027-05-01", "2027-05-31", 100, 100)}
		}, "2027-05-01T04:53:01Z", "2027-05-31T00:00:00Z"},
		{"one share goes on where another ends", func(t *Terms) {
			t.Ramps = []Ramp{share("2027-05-01T04:00:00Z", "2027-05-01T04:53:07Z", 100, 100), share("2027-05-01T04:53:05Z", "2027-05-01T04:53:30Z", 100, 100)}
		}, "2027-05-01T04:53:01Z", "2027-05-01T04:53:30Z"},
		{"a brownout follows a share", func(t *Terms) {
			t.Ramps = []Ramp{share("2027-05-01T04:00:00Z", "2027-05-01T04:53:07Z", 100, 100)}
			t.Brownouts = []Window{{day("2027-05-01T04:53:07Z"), day("2027-05-01T05:00:20Z")}}
		}, "2027-05-01T04:53:01Z", "2027-05-01T05:00:20Z"},
		{"all calls, until the end", func(t *Terms) { t.Ramps = []Ramp{share("2027-05-01", "2027-06-30", 100, 100)} }, "2027-05-02T00:00:00Z", ""},
		{"almost all calls, until an end within a minute", func(t *Terms) {
			t.Sunset = day("2027-06-29T04:54:58Z")
			t.Ramps = []Ramp{share("2027-06-29T04:54:00Z", "2027-06-29T04:54:58Z", 99.999, 100)}
		}, "2027-06-29T04:54:30Z", ""},
		{"a brownout until the end", func(t *Terms) { t.Brownouts = hour }, "2027-06-29T23:59:30Z", ""},
		{"and it goes on after the end", func(t *Terms) { t.Brownouts, t.AfterSunset = hour, AfterSunsetWarn }, "2027-06-29T23:59:30Z", "2027-06-30T00:00:00Z"},
		{"and it is sent on after the end", func(t *Terms) {
			t.Brownouts, t.AfterSunset, t.RedirectMethods = hour, AfterSunsetRedirect, []string{"GET"}
		}, "2027-06-29T23:59:30Z", "2027-06-30T00:00:00Z"},
		{"and another method is sent on after the end", func(t *Terms) {
			t.Brownouts, t.AfterSunset, t.RedirectMethods = hour, AfterSunsetRedirect, []string{"POST"}
		}, "2027-06-29T23:59:30Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			life := Terms{Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), BrownoutStatus: 503, Successor: "/v2/orders"}
			tt.change(&life)
			plan, now := New(life), at(t, tt.now)
			caller := Caller{ID: "c1", Method: "GET", RestKnown: true, Path: "/v1/orders"}
			wantRetry(t, plan.Decide(now, caller), now, tt.want)
			if tt.want == "" {
				return
			}
			again := at(t, tt.want)
			if d := plan.Decide(again.Add(-time.Second), caller); d.Stage != StageBrownout {
				t.Errorf("let in before %s: %s", again, d.Stage)
			}
			if d := plan.Decide(again, caller); d.Stage == StageBrownout || d.Stage == StageGone {
				t.Errorf("refused at %s: %s", again, d.Stage)
			}
		})
	}
}

// wantRetry checks all places in which a refusal of a brownout says when to come back.
func wantRetry(t *testing.T, d Decision, now time.Time, want string) {
	t.Helper()
	if d.Stage != StageBrownout || d.Refusal == nil {
		t.Fatalf("stage %s, not in the brownout", d.Stage)
	}
	var got body
	if err := json.Unmarshal(d.Refusal.Body, &got); err != nil {
		t.Fatal(err)
	}
	if got.RetryAt != want {
		t.Errorf("retry_at %q, want %q", got.RetryAt, want)
	}
	header := fmt.Sprint(d.Refusal.Headers["Retry-After"])
	seconds := "[]"
	if want != "" {
		seconds = fmt.Sprintf("[%d]", int64(at(t, want).Sub(now)/time.Second))
	}
	if header != seconds {
		t.Errorf("Retry-After %s, want %s", header, seconds)
	}
	if strings.Contains(got.Detail, "until 2") != (want != "") || !strings.Contains(got.Detail, "It ends at") {
		t.Errorf("detail %q, where it comes back %q", got.Detail, want)
	}
}
