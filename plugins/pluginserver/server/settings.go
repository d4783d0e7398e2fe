package server

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// Settings are what an operator sets of a plugin server's process. Their values before
// [Settings.Bind] are the defaults.
type Settings struct {
	// Socket is where Kong connects, unless a parent passes on a socket.
	Socket string
	// HTTP is the address of health and metrics; empty for none.
	HTTP string
	// Version is for the log.
	Version string
	// Options has InstanceDir, Profiling, Deadlines and the bounds as the operator sets
	// them. The rest is the program's.
	Options pluginserver.Options
}

// setting is a flag, and the variable that has precedence over its default.
type setting struct {
	flag, variable, usage string
	value                 flag.Value
}

func (s *Settings) all() []setting {
	o := &s.Options
	return []setting{
		{"socket", "SOCKET", "unix `SOCKET` that Kong connects to", (*textValue)(&s.Socket)},
		{"http", "HTTP", "address of /metrics, /healthz and /readyz; empty: none", (*addressValue)(&s.HTTP)},
		{"profiling", "PROFILING", "serve /debug/pprof/ there as well", (*boolValue)(&o.Profiling)},
		{"instances", "INSTANCES", "`FOLDER` of started configurations, for the process that takes this one's place; empty: none", (*textValue)(&o.InstanceDir)},
		{"deadline", "DEADLINES", "how long handlers may take: 200ms, PLUGIN=200ms or PLUGIN.PHASE=30s, with commas between; 0 is for ever; log handlers are not meant unless named", deadlinesValue{&o.Deadlines}},
		{"max-frame", "MAX_FRAME", "largest body or other frame, in `bytes` or as 64MiB", sizeValue[int]{&o.MaxFrame, math.MaxInt32, "write bytes below 2 GiB, such as 67108864 or 64MiB"}},
		{"max-abandoned", "MAX_ABANDONED", "handlers of one plugin in one phase that may hang before it is overloaded", (*countValue)(&o.MaxAbandoned)},
		{"max-connections", "MAX_CONNECTIONS", "connections that may be open; half of them for log events", (*countValue)(&o.MaxConnections)},
		{"max-events", "MAX_EVENTS", "events of one plugin in one phase that may run at once", (*countValue)(&o.MaxEvents)},
		{"max-goroutines", "MAX_GOROUTINES", "goroutines beyond which the process is replaced", (*countValue)(&o.MaxGoroutines)},
		{"max-memory", "MAX_MEMORY", "memory beyond which the process is replaced, in `bytes` or as 2GiB; default: 9/10 of GOMEMLIMIT, or 4GiB", sizeValue[int64]{&o.MaxMemory, math.MaxInt64, "write bytes, such as 2147483648 or 2GiB"}},
	}
}

// Bind defines a flag for each setting, or for those named, unless flags has one of that
// name; and sets those for which the environment has a variable: prefix and SOCKET,
// HTTP, DEADLINES and so on. A flag has precedence over its variable. The error names a
// variable with a value that does not parse, and what to write.
func (s *Settings) Bind(flags *flag.FlagSet, prefix string, getenv func(string) string, only ...string) error {
	var errs []error
	for _, one := range s.all() {
		if len(only) == 0 || slices.Contains(only, one.flag) {
			errs = append(errs, one.bind(flags, prefix, getenv))
		}
	}
	return errors.Join(errs...)
}

func (s setting) bind(flags *flag.FlagSet, prefix string, getenv func(string) string) (err error) {
	variable := prefix + s.variable
	if text := getenv(variable); text != "" {
		if err = s.value.Set(text); err != nil {
			err = fmt.Errorf("%s=%q: %w", variable, text, err)
		}
	}
	if flags.Lookup(s.flag) == nil {
		flags.Var(s.value, s.flag, fmt.Sprintf("%s (%s)", s.usage, variable))
	}
	return err
}
