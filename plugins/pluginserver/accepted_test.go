package pluginserver

import (
	"math"
	"strings"
	"testing"
)

// TestVersions has what Kong's version.lua 1.0.1 and kong/db/dao/plugins.lua (3.9.1) were
// seen to say of each.
func TestVersions(t *testing.T) {
	t.Parallel()
	for version, taken := range map[string]bool{
		"1": true, "1.0": true, "1.2.3": true, "v1.0": true, "v1.2.3-rc1": true, "1.2.": true, "0.0.0.": true,
		"1.2.3-4.5.6.7": true, "Lua 5.2 for me": true, "dev-1": true, "a.1": true, "1.2.3 (1.2.3.4)": true, "..1": true,
		"1.x": true, ".1": true, "1.2.3.x": true, "00.01": true, "99999999999999999999.0": true, "1.2\n": true,
		"1.2\n\n3": true, "v.1": true, "1.0.0+build.5": true, "0cbfefb": true,
		"dev": false, "": false, "1.2.3.4": false, "1..2": false, "1.2.3.4-rc": false, "1..": false, "١.٢": false,
		"v0.0.0.0": false, "1.2..3": false, "release": false,
	} {
		if err := checkVersion(version); (err == nil) != taken {
			t.Errorf("version %q: %v, but Kong takes it: %v", version, err, taken)
		}
	}
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	for _, priority := range []int{math.MinInt32, -1, 0, 950, math.MaxInt32} {
		if err := checkPriority(priority); err != nil {
			t.Error(err)
		}
	}
	for _, priority := range []int{math.MinInt32 - 1, math.MaxInt32 + 1} {
		if err := checkPriority(priority); err == nil || !strings.Contains(err.Error(), "use a number") {
			t.Errorf("priority %d: %v", priority, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "my-plugin", "my_plugin", "v2.plugin", "9lives", "Mine"} {
		if err := checkName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", ".a", "a b", "a/b", "a,b", "ä", "bundled", "off", "a\n"} {
		if err := checkName(name); err == nil || !strings.Contains(err.Error(), "plugin name ") {
			t.Errorf("name %q: %v", name, err)
		}
	}
}
