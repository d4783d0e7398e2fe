package gogc_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/gogc"
)

func TestDefault(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for name, tc := range map[string]struct {
		variable bool
		want     int
	}{
		"nobody said":       {false, 400},
		"the operator said": {true, 100},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetGCPercent(100)
			t.Setenv("GOGC", "100")
			if !tc.variable {
				if err := os.Unsetenv("GOGC"); err != nil {
					t.Fatal(err)
				}
			}
			gogc.Default(400)
			if got := debug.SetGCPercent(100); got != tc.want {
				t.Errorf("the heap may grow by %d %%, want %d", got, tc.want)
			}
		})
	}
}
