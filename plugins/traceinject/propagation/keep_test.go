package propagation

import (
	"testing"
	"time"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		keep   Keep
		status int
		took   time.Duration
		want   Reason
	}{
		{"nothing", Keep{}, 500, time.Hour, ""},
		{"an error", Keep{Errors: true}, 500, 0, KeptStatus},
		{"the highest status", Keep{Errors: true}, 599, 0, KeptStatus},
		{"no error", Keep{Errors: true}, 499, 0, ""},
		{"a status that is listed", Keep{Statuses: []int{404, 429}}, 429, 0, KeptStatus},
		{"one that is not", Keep{Statuses: []int{404, 429}}, 500, 0, ""},
		{"slow", Keep{Slow: time.Second}, 200, time.Second, KeptSlow},
		{"not slow", Keep{Slow: time.Second}, 200, time.Second - 1, ""},
		{"an error that is slow", Keep{Errors: true, Slow: time.Second}, 503, time.Minute, KeptStatus},
	} {
		if got := tt.keep.Why(tt.status, tt.took); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestKeepWhereTheParentAllows: what a client said is not to be recorded is not.
func TestKeepWhereTheParentAllows(t *testing.T) {
	t.Parallel()
	keep := Keep{Errors: true}
	for _, tt := range []struct {
		name   string
		policy Policy
		parent string
		want   bool
	}{
		{"no client's trace", Policy{}, "", true},
		{"linked to one that is not sampled", Policy{Incoming: IncomingLink}, droppedParent, true},
		{"continued, not sampled", Policy{Incoming: IncomingContinue}, droppedParent, false},
		{"continued, not sampled, ignored", Policy{Incoming: IncomingContinue, IgnoreParentSampled: true}, droppedParent, true},
		{"continued, sampled, ignored", Policy{Incoming: IncomingContinue, IgnoreParentSampled: true}, sampledParent, true},
		{"continued, sampled, past the cap", Policy{Incoming: IncomingContinue, Force: func(string) bool { return false }}, sampledParent, true},
		{"continued, sampled", Policy{Incoming: IncomingContinue}, sampledParent, false}, // it is exported anyway
		{"sampled by the ratio", Policy{SampleRatio: 1}, "", false},
	} {
		tt.policy.Extract, tt.policy.Keep = w3c, keep
		trace := tt.policy.Start(Request{Traceparent: tt.parent}, counting())
		if got := trace.Keep.Any(); got != tt.want {
			t.Errorf("%s: kept %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestForce: a client's word counts as often as it may, then the ratio does.
func TestForce(t *testing.T) {
	t.Parallel()
	asked := 0
	policy := Policy{Incoming: IncomingContinue, Extract: w3c, Force: func(id string) bool { asked++; return id == "first" }}
	for id, want := range map[string]bool{"first": true, "second": false} {
		trace := policy.Start(Request{Traceparent: sampledParent, ID: id}, counting())
		if got := trace.Context.Flags.Sampled(); got != want {
			t.Errorf("%s is sampled: %v, want %v", id, got, want)
		}
	}
	policy.SampleRatio = 1
	if trace := policy.Start(Request{Traceparent: sampledParent}, counting()); !trace.Context.Flags.Sampled() || asked != 2 {
		t.Errorf("sampled %v, asked %d times, want a trace that the ratio has sampled to use up nothing", trace.Context.Flags.Sampled(), asked)
	}
}

func TestAllowance(t *testing.T) {
	t.Parallel()
	var a Allowance
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		after time.Duration
		id    string
		want  bool
	}{
		{"the first", 0, "a", true},
		{"the second", 0, "b", true},
		{"one too many", 999 * time.Millisecond, "c", false},
		{"the first in its next phase", 999 * time.Millisecond, "a", true},
		{"a second later", time.Second, "c", true},
		{"without an id", time.Second, "", true},
		{"without an id, again", time.Second, "", false},
	} {
		if got := a.Take(tt.id, 2, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if a.Take("d", 0, now.Add(time.Minute)) {
		t.Error("none may be taken, and one was")
	}
}
