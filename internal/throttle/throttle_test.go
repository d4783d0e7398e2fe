package throttle

import (
	"testing"
	"time"
)

func TestAllow(t *testing.T) {
	t.Parallel()
	var throttle Throttle
	begin := time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		after    time.Duration
		wantHeld int
		wantOK   bool
	}{
		{0, 0, true},
		{time.Millisecond, 0, false},
		{999 * time.Millisecond, 0, false},
		{time.Second, 2, true},
		{1500 * time.Millisecond, 0, false},
		{time.Hour, 1, true},
		{2 * time.Hour, 0, true},
	} {
		if held, ok := throttle.Allow(begin.Add(tt.after)); held != tt.wantHeld || ok != tt.wantOK {
			t.Errorf("after %s: %d held back, %v; want %d, %v", tt.after, held, ok, tt.wantHeld, tt.wantOK)
		}
	}
}
