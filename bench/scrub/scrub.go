// Package scrub measures the scrubber against the floor of anything that reads
// every byte, against package regexp, and against the OpenTelemetry Collector's
// redaction processor, all on one core and on the same lines.
package scrub

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// span is the CPU time that a side is measured for.
const span = 300 * time.Millisecond

const megabyte = 1 << 20

// Open makes the sides, and one core of all; closeAll gives the others back.
func Open(ctx context.Context) ([]ratio.Row, func() error, error) {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		return nil, nil, err
	}
	clean, found := lines(1)
	if err := check(engine, clean, found); err != nil {
		return nil, nil, err
	}
	otel, err := newCollector(ctx)
	if err != nil {
		return nil, nil, err
	}
	cores := runtime.GOMAXPROCS(1)
	closeAll := func() error { runtime.GOMAXPROCS(cores); return nil }
	ours := func(list [][]byte) ratio.Measure { return each(list, scrubber(engine)) }
	table, expressions := each(clean, tableLoop), regexps(patterns)
	return []ratio.Row{
		{What: "clean access lines", Peer: "table loop", Unit: "MB/s", Ours: ours(clean), Base: table, Target: 0.5},
		{What: "lines with two findings", Peer: "table loop", Unit: "MB/s", Ours: ours(found), Base: each(found, tableLoop), Target: 0.15},
		{What: "allocations where nothing is found", Unit: "a line", Ours: allocations(engine, clean), Target: 0, AtMost: true},
		{What: "clean access lines", Peer: "regexp", Unit: "MB/s", Ours: ours(clean), Base: each(clean, expressions), Target: 10},
		{What: "lines with two findings", Peer: "regexp", Unit: "MB/s", Ours: ours(found), Base: each(found, expressions), Target: 10},
		{What: "clean access lines", Peer: "OTel redaction", Unit: "MB/s", Ours: ours(clean), Base: otel.measure(clean), Target: 10},
		{What: "lines with two findings", Peer: "OTel redaction", Unit: "MB/s", Ours: ours(found), Base: otel.measure(found), Target: 10},
	}, closeAll, nil
}

// check makes sure that the lines are what they are said to be.
func check(engine *scrub.Engine, clean, found [][]byte) error {
	for _, set := range []struct {
		lines [][]byte
		want  int
	}{{clean, 0}, {found, 2}} {
		for _, line := range set.lines {
			if got := engine.Findings(nil, line, scrub.FormatAccess); len(got) != set.want {
				return fmt.Errorf("%d findings, want %d, in %q: %v", len(got), set.want, line, got)
			}
		}
	}
	return nil
}

// each measures how many megabytes of lines a function reads in a CPU second.
func each(list [][]byte, read func([]byte)) ratio.Measure {
	return func(context.Context) (float64, error) {
		return rate(list, func() error {
			for _, line := range list {
				read(line)
			}
			return nil
		})
	}
}

// rate calls once, which reads all lines, for a span, and returns the rate.
func rate(list [][]byte, once func() error) (float64, error) {
	size := 0
	for _, line := range list {
		size += len(line)
	}
	began, err := ratio.CPUTime()
	if err != nil {
		return 0, err
	}
	for n := 1; ; n++ {
		if err := once(); err != nil {
			return 0, err
		}
		now, err := ratio.CPUTime()
		if err != nil {
			return 0, err
		}
		if spent := now - began; spent >= span {
			return float64(n*size) / megabyte / spent.Seconds(), nil
		}
	}
}

func scrubber(engine *scrub.Engine) func([]byte) {
	dst := make([]byte, 0, 4<<10)
	return func(line []byte) { dst, _ = engine.AccessLine(dst[:0], line) }
}

var table = func() (t [256]uint8) {
	for i := range t {
		t[i] = uint8(i & 3)
	}
	return t
}()

// tableLoop looks each byte up in a table and adds what it finds.
func tableLoop(line []byte) {
	n := 0
	for _, c := range line {
		n += int(table[c])
	}
	runtime.KeepAlive(n)
}

func regexps(patterns []string) func([]byte) {
	var list []*regexp.Regexp
	for _, p := range patterns {
		list = append(list, regexp.MustCompile(p))
	}
	mask := []byte("****")
	return func(line []byte) {
		for _, re := range list {
			if re.Match(line) {
				line = re.ReplaceAllLiteral(line, mask)
			}
		}
	}
}

// batches is how often the collector can read all lines in a span, made before
// the time counts; it is slow.
const batches = 64

func (c *collector) measure(list [][]byte) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		fresh := make([]plog.Logs, batches)
		for i := range fresh {
			fresh[i] = batch(list)
		}
		runtime.GC()
		i := 0
		return rate(list, func() error {
			if i == len(fresh) {
				return fmt.Errorf("the collector read %d batches within %v: make more", i, span)
			}
			i++
			return c.redact(ctx, fresh[i-1])
		})
	}
}

func allocations(engine *scrub.Engine, list [][]byte) ratio.Measure {
	return func(context.Context) (float64, error) {
		read := scrubber(engine)
		i := 0
		return testing.AllocsPerRun(len(list), func() { read(list[i%len(list)]); i++ }), nil
	}
}
