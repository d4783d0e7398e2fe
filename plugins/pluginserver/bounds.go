package pluginserver

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
)

// bound is one of Options' that an operator may set.
type bound struct {
	flag, variable, usage string
	value                 func(o *Options) flag.Value
}

var bounds = []bound{
	{"deadline", "DEADLINES", "how long handlers may take: 200ms, PLUGIN=200ms or PLUGIN.PHASE=30s, with commas between; 0 is for ever; log handlers are not meant unless named",
		func(o *Options) flag.Value { return deadlinesValue{&o.Deadlines} }},
	{"max-frame", "MAX_FRAME", "largest body or other frame, in bytes or as 64MiB",
		func(o *Options) flag.Value { return sizeValue{&o.MaxFrame} }},
	{"max-abandoned", "MAX_ABANDONED", "handlers of one plugin in one phase that may hang before it is overloaded",
		func(o *Options) flag.Value { return countValue{&o.MaxAbandoned} }},
	{"max-connections", "MAX_CONNECTIONS", "connections that may be open; half of them for log events",
		func(o *Options) flag.Value { return countValue{&o.MaxConnections} }},
	{"max-events", "MAX_EVENTS", "events of one plugin in one phase that may run at once",
		func(o *Options) flag.Value { return countValue{&o.MaxEvents} }},
	{"max-goroutines", "MAX_GOROUTINES", "goroutines beyond which the process is replaced",
		func(o *Options) flag.Value { return countValue{&o.MaxGoroutines} }},
	{"max-memory", "MAX_MEMORY", "memory beyond which the process is replaced, in bytes or as 2GiB; default: 9/10 of GOMEMLIMIT, or 4GiB",
		func(o *Options) flag.Value { return sizeValue64{&o.MaxMemory} }},
}

// BindFlags defines a flag for each bound of o, unless flags has one of that name, and
// sets those for which the environment has a variable: prefix and MAX_FRAME, DEADLINES
// and so on. A flag has precedence over its variable. The error names a variable with a value
// that does not parse, and what to write.
func (o *Options) BindFlags(flags *flag.FlagSet, prefix string, getenv func(string) string) error {
	var errs []error
	for _, b := range bounds {
		value, variable := b.value(o), prefix+b.variable
		if flags.Lookup(b.flag) == nil {
			flags.Var(value, b.flag, fmt.Sprintf("%s (%s)", b.usage, variable))
		}
		if text := getenv(variable); text != "" {
			if err := value.Set(text); err != nil {
				errs = append(errs, fmt.Errorf("%s=%q: %w", variable, text, err))
			}
		}
	}
	return errors.Join(errs...)
}

// countValue is a number of things, at least one.
type countValue struct{ n *int }

func (v countValue) String() string { return shown(v.n) }

// Set implements flag.Value.
func (v countValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("write a whole number of at least 1, such as 64")
	}
	*v.n = n
	return nil
}

// sizeValue is a number of bytes, at least one.
type sizeValue struct{ n *int }

func (v sizeValue) String() string { return shown(v.n) }

// Set implements flag.Value.
func (v sizeValue) Set(text string) error {
	n, err := parseSize(text)
	if err != nil || n > math.MaxInt32 {
		return errors.New("write bytes below 2 GiB, such as 67108864 or 64MiB")
	}
	*v.n = int(n)
	return nil
}

// sizeValue64 is one that may be larger.
type sizeValue64 struct{ n *int64 }

func (v sizeValue64) String() string { return shown(v.n) }

// Set implements flag.Value.
func (v sizeValue64) Set(text string) error {
	n, err := parseSize(text)
	if err != nil {
		return errors.New("write bytes, such as 2147483648 or 2GiB")
	}
	*v.n = n
	return nil
}

// shown is a default as package flag shows it: none where it is Options' own.
func shown[N int | int64](n *N) string {
	if n == nil || *n == 0 {
		return ""
	}
	return fmt.Sprint(*n)
}

// units are what may follow a number of bytes.
var units = map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

var errSize = errors.New("not a number of bytes")

func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMGiB")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit := units[text[len(digits):]]
	if err != nil || n < 1 || unit == 0 || n > math.MaxInt64/unit {
		return 0, errSize
	}
	return n * unit, nil
}

// deadlinesValue is a list of deadlines, which adds to what is there.
type deadlinesValue struct{ deadlines *map[string]time.Duration }

func (deadlinesValue) String() string { return "" }

// Set implements flag.Value.
func (v deadlinesValue) Set(text string) error {
	parsed, err := parseDeadlines(text)
	if err != nil {
		return err
	}
	if *v.deadlines == nil {
		*v.deadlines = map[string]time.Duration{}
	}
	maps.Copy(*v.deadlines, parsed)
	return nil
}

// parseDeadlines reads 200ms, NAME=200ms and NAME.PHASE=200ms, with commas between.
func parseDeadlines(list string) (map[string]time.Duration, error) {
	deadlines := map[string]time.Duration{}
	for item := range strings.SplitSeq(list, ",") {
		name, value, named := strings.Cut(item, "=")
		if !named {
			name, value = everyPlugin, item
		}
		d, err := time.ParseDuration(value)
		if err != nil || name == "" {
			return nil, fmt.Errorf("%q: write a duration such as 200ms, PLUGIN=DURATION, or PLUGIN.PHASE=DURATION", item)
		}
		deadlines[name] = d
	}
	return deadlines, nil
}
