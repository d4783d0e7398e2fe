package limiter

import (
	_ "embed"
	"strconv"
	"time"
)

//go:embed script.lua
var scriptText string

// argsPerLevel is LEVEL in script.lua.
const argsPerLevel = 6

// wireArgs are a limit's arguments to the script but for the cost, in this
// order: kind, shadow, quota, a, b.
func wireArgs(s Spec, m meter) [5]string {
	shadow := "0"
	if s.Shadow {
		shadow = "1"
	}
	quota := strconv.FormatInt(s.Quota, 10)
	switch m := m.(type) {
	case bucket:
		return [5]string{"b", shadow, strconv.FormatInt(m.burst, 10), strconv.FormatInt(m.unit, 10), strconv.FormatInt(m.drain, 10)}
	case sliding:
		return [5]string{"s", shadow, quota, strconv.FormatInt(m.slice, 10), "0"}
	}
	if s.Algorithm == Calendar {
		return [5]string{"c", shadow, quota, "", "0"}
	}
	return [5]string{"f", shadow, quota, strconv.FormatInt(s.Window.Microseconds(), 10), "0"}
}

// appendArgs adds the six script arguments of a level.
func appendArgs(args []any, l Level, now time.Time) []any {
	w := &l.Limit.wire
	a := w[3]
	if l.Limit.Algorithm == Calendar {
		a = calendar{period: l.Limit.Period, zone: l.Limit.Zone}.edges(now)
	}
	return append(args, w[0], w[1], strconv.FormatInt(l.Cost, 10), w[2], a, w[4])
}
