package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// lastWords is how long a program goes on when its plugin server, started in another
// goroutine than main's, has ended: long enough for a main that is told of it, short
// enough for Kong, which starts the program again once it has ended.
const lastWords = time.Second

// end ends a command, and says why where Kong and people look for it. A main that called
// us goes on and ends the process as it likes. One that waits for something else, such as
// a signal, knows nothing of a server that has ended: with go-pdk's own server the signal
// has killed it by now.
func (c *command) end(err error) error {
	asked := c.asked()
	switch {
	case asked && err != nil:
		c.refuse(err)
		c.exit(1) // a stock main ignores what StartServer returns
		return err
	case err != nil:
		slog.New(slog.NewJSONHandler(c.stderr, nil)).Error("plugin server ended", "error", err)
	}
	if c.onMain {
		return err
	}
	code, wait := 0, lastWords
	if err != nil {
		code = 1
	}
	if asked {
		wait = 0 // Kong waits for the end of its query
	}
	time.AfterFunc(wait, func() { c.exit(code) })
	return err
}

// refuse says why there is no info. Kong looks at standard output alone, and shows it
// only where it is JSON and no table: hence the same words as a JSON string.
func (c *command) refuse(err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintf(c.stderr, "%s: no info for Kong: %s\n", filepath.Base(c.program), line)
	}
	if said, err := json.Marshal(err.Error()); err == nil {
		_, _ = fmt.Fprintf(c.stdout, "%s\n", said)
	}
}

// onMain reports whether this is main's goroutine, whose return ends the process.
func onMain() bool {
	callers := make([]uintptr, 32)
	n := runtime.Callers(1, callers)
	for n == len(callers) {
		callers = make([]uintptr, 2*n)
		n = runtime.Callers(1, callers)
	}
	frames := runtime.CallersFrames(callers[:n])
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.main" {
			return true
		}
		if !more {
			return false
		}
	}
}
