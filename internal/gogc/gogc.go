// Package gogc sets how far a process's heap may grow, where the operator has not.
package gogc

import (
	"os"
	"runtime/debug"
)

// Default lets the heap grow by so many percent of what is live before it is
// collected, unless GOGC says how many. GOMEMLIMIT bounds it either way.
func Default(percent int) {
	if _, ok := os.LookupEnv("GOGC"); !ok {
		debug.SetGCPercent(percent)
	}
}
