package supervisor

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		lived []time.Duration
		want  []time.Duration
	}{
		{"one accident", []time.Duration{time.Hour}, []time.Duration{0}},
		{"exactly stable", []time.Duration{stable}, []time.Duration{0}},
		{"never up", []time.Duration{0, 0, 0}, []time.Duration{100 * ms, 200 * ms, 400 * ms}},
		{"capped", make([]time.Duration, 8), []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5000 * ms, 5000 * ms}},
		{"recovers", []time.Duration{0, 0, time.Minute, 0}, []time.Duration{100 * ms, 200 * ms, 0, 100 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b backoff
			for i, lived := range tt.lived {
				if got := b.next(lived); got != tt.want[i] {
					t.Errorf("restart %d after %s: delay %s, want %s", i+1, lived, got, tt.want[i])
				}
			}
		})
	}
}
