package pluginserver

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"strings"
)

// stackLimit bounds a stack in the log, in bytes.
const stackLimit = 8 << 10

// stackOf returns the stack of the goroutine with a label, and of those that
// it has started, empty if there is none any more. The runtime tells a
// goroutine's stack to itself only; the goroutine profile tells all of them,
// labels included, and hardly stops the others for it.
func stackOf(label uint64) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return ""
	}
	var stacks []string
	mark := fmt.Sprintf("# labels: {%q:\"%d\"}", goroutineLabel, label)
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		_, stack, found := strings.Cut(record, mark)
		if found {
			stacks = append(stacks, strings.TrimSpace(stack))
		}
	}
	found := strings.Join(stacks, "\n\n")
	return found[:min(len(found), stackLimit)]
}
