package server

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// everyPlugin stands for a plugin's name in a list of deadlines.
const everyPlugin = "*"

// textValue is any text.
type textValue string

func (v *textValue) String() string { return string(*v) }

// Set implements flag.Value.
func (v *textValue) Set(text string) error {
	*v = textValue(text)
	return nil
}

// boolValue is true or false.
type boolValue bool

func (v *boolValue) String() string { return strconv.FormatBool(bool(*v)) }

// IsBoolFlag has package flag take the flag without a value.
func (*boolValue) IsBoolFlag() bool { return true }

// Set implements flag.Value.
func (v *boolValue) Set(text string) error {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("write true or false")
	}
	*v = boolValue(b)
	return nil
}

// addressValue is a host, which may be empty for all addresses, and a port.
type addressValue string

func (v *addressValue) String() string { return string(*v) }

// Set implements flag.Value.
func (v *addressValue) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil && text != "" {
		return errors.New("write an address such as 127.0.0.1:9542")
	}
	*v = addressValue(text)
	return nil
}

// countValue is a number of things, at least one; 0 is the default.
type countValue int

func (v *countValue) String() string { return shown(int64(*v)) }

// Set implements flag.Value.
func (v *countValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("write a whole number of at least 1, such as 64")
	}
	*v = countValue(n)
	return nil
}

// sizeValue is a number of bytes, at least one and at most most; 0 is the default.
type sizeValue[N int | int64] struct {
	n    *N
	most int64
	fix  string // what to write
}

func (v sizeValue[N]) String() string {
	if v.n == nil { // package flag looks at a zero value
		return ""
	}
	return shown(int64(*v.n))
}

// Set implements flag.Value.
func (v sizeValue[N]) Set(text string) error {
	n, err := parseSize(text)
	if err != nil || n > v.most {
		return errors.New(v.fix)
	}
	*v.n = N(n)
	return nil
}

// shown is a default as package flag shows it: none where it is the server's own.
func shown(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
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
