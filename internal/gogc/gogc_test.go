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
		variable string
		set      bool
		want     int
	}{
		"nobody said":          {"", false, 400},
		"nobody said anything": {"", true, 400},
		"the operator said":    {"100", true, 100},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetGCPercent(100)
			t.Setenv("GOGC", tc.variable)
			if !tc.set {
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

func TestCheck(t *testing.T) {
	t.Parallel()
	for value, fine := range map[string]bool{
		"0": true, "100": true, "2147483647": true, "off": true,
		"abc": false, "-5": false, "100%": false, "1.5": false, "OFF": false, "2147483648": false, "": false,
	} {
		if err := gogc.Check(value); (err == nil) != fine {
			t.Errorf("Check(%q) = %v", value, err)
		}
	}
}
