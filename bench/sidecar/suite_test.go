package sidecar

import (
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	killed := time.Now()
	at := func(began, ended time.Duration, failed bool) answer {
		return answer{killed.Add(began * time.Millisecond), killed.Add(ended * time.Millisecond), failed}
	}
	got := tally([]answer{at(-20, -10, false), at(-5, 3, true), at(40, 900, false), at(50, 60, true), at(70, 80, false)}, killed)
	want := told{requests: 5, failed: 2, failing: 60 * time.Millisecond, slowest: 860 * time.Millisecond}
	if got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}
