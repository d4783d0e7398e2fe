// Package gogc sets how far a process's heap may grow, where the operator has not.
package gogc

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
)

// Default lets the heap grow by so many percent of what is live before it is
// collected, unless GOGC says how many. GOMEMLIMIT bounds it either way.
func Default(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// Check tells what is wrong with a value of GOGC. Go itself takes one that it cannot read
// for 100, and a negative one for off.
func Check(value string) error {
	if value == "off" {
		return nil
	}
	if percent, err := strconv.ParseInt(value, 10, 32); err != nil || percent < 0 {
		return fmt.Errorf("GOGC is %q: set it to whole percent, such as 100, or to off", value)
	}
	return nil
}
