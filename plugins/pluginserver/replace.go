package pluginserver

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	// replaceAfter is how long a process serves at least before it has itself replaced.
	replaceAfter = time.Minute
	// usageInterval is how often the process looks at what it uses.
	usageInterval = 5 * time.Second
)

// usage is what a process uses of what may run out.
type usage struct {
	goroutines int
	memory     int64 // that Go has from the system, in bytes
}

// exhausted says what has run out, empty if nothing has.
func (o Options) exhausted(u usage) string {
	switch {
	case u.goroutines > o.MaxGoroutines:
		return fmt.Sprintf("%d goroutines, the limit is %d", u.goroutines, o.MaxGoroutines)
	case u.memory > o.MaxMemory:
		return fmt.Sprintf("%d MiB of memory, the limit is %d", u.memory>>20, o.MaxMemory>>20)
	}
	return ""
}

// watchUsage ends Serve with ErrReplace when the process runs out of something. What a
// collection frees has not run out.
func (s *Server) watchUsage(ctx context.Context, end context.CancelCauseFunc) {
	began := time.Now()
	tick := time.NewTicker(usageInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Since(began) < replaceAfter || s.opts.exhausted(s.usage()) == "" {
			continue
		}
		debug.FreeOSMemory()
		if reason := s.opts.exhausted(s.usage()); reason != "" {
			s.opts.Logger.Error("draining to be replaced: this process runs out", "reason", reason)
			end(ErrReplace)
			return
		}
	}
}

// processUsage reads what this process uses. It stops nothing.
func processUsage() usage {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	return usage{runtime.NumGoroutine(), int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())}
}
