package capacity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bench/httpload"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

const (
	// perSecond is the load of the rows of CPU time.
	perSecond = 300
	rounds    = 5
	warmUp    = 200 * time.Millisecond
	length    = 1500 * time.Millisecond
	rest      = 3 * time.Second
)

// cpuRow is a load whose CPU time is measured.
type cpuRow struct {
	what string
	gate *gate
	load httpload.Load

	each [partCount][]float64 // µs for a request, a figure a round
	all  []float64
	err  error
}

func (s *system) cpuRows() ([]*cpuRow, error) {
	rows := []*cpuRow{
		{what: "no plugin but key-auth", gate: s.line, load: by(s.line, "/bare")},
		{what: "1 plugin: trace-inject", gate: s.line, load: by(s.line, "/plugins1")},
		{what: "2 plugins: pii-log-scrub", gate: s.line, load: by(s.line, "/plugins2")},
		{what: "3 plugins: tenant-rate-limit, 2 limits", gate: s.line, load: by(s.line, "/plugins3")},
		{what: "4 plugins: sunset-headers", gate: s.line, load: by(s.line, "/plugins4")},
		{what: "the 4 in one hop, access line", gate: s.line, load: by(s.line, "/onehop")},
		{what: "the same, limits leased by 1000", gate: s.line, load: by(s.line, "/leased")},
		{what: "the 4 in one hop, log event", gate: s.event, load: by(s.event, "/onehop")},
	}
	for _, n := range limitCounts {
		rows = append(rows, &cpuRow{what: fmt.Sprintf("tenant-rate-limit alone, limits: %d", n), gate: s.line, load: by(s.line, fmt.Sprintf("/limits%d", n))})
	}
	for _, n := range urlLengths {
		rows = append(rows, &cpuRow{what: fmt.Sprintf("one hop, bytes of URL: %d", n), gate: s.line, load: by(s.line, longURL("/onehop", n))})
	}
	for _, n := range []int{1, 10, 10_000} {
		load, err := byTenants(s.line, "/orders?limit=5", n)
		if err != nil {
			return nil, err
		}
		rows = append(rows, &cpuRow{what: fmt.Sprintf("orders passed through, one hop, jwt, tenants: %d", n), gate: s.line, load: load})
	}
	load, err := byTenants(s.line, "/page", 10)
	return append(rows, &cpuRow{what: "a page, one hop, jwt, tenants: 10", gate: s.line, load: load}), err
}

var urlLengths = []int{256, 1024, 2000}

// longURL is a path of so many bytes, with a query in which there is nothing to find.
func longURL(path string, bytes int) string {
	const words = "&note=some+words+that+nobody+has+to+hide"
	query := strings.Repeat(words, bytes/len(words)+1)
	return path + "?" + query[1:bytes-len(path)]
}

// takeCPU measures the rows in turn, round by round: what a neighbour on the machine does in
// one round, it does to all.
func (s *system) takeCPU(ctx context.Context, w io.Writer) error {
	rows, err := s.cpuRows()
	if err != nil {
		return err
	}
	for range rounds {
		for _, row := range rows {
			if row.err == nil {
				row.err = s.round(ctx, row)
			}
		}
	}
	const format = "%-52v %9v %14v %8v %8v %8v\n"
	fmt.Fprintf(w, "\nCPU seconds for a million requests, at %d a second; medians of %d rounds\n", perSecond, rounds)
	fmt.Fprintf(w, format, "", "Kong", "plugin server", "Redis", "BFF", "all")
	var failed []error
	for _, row := range rows {
		if row.err != nil {
			fmt.Fprintf(w, format, row.what, "failed", "", "", "", "")
			failed = append(failed, fmt.Errorf("%s: %w", row.what, row.err))
			continue
		}
		var cells [partCount]string
		for i := range cells {
			cells[i] = fmt.Sprintf("%.0f", ratio.Median(row.each[i]))
		}
		fmt.Fprintf(w, format, row.what, cells[kongPart], cells[serverPart], cells[redisPart], cells[bffPart], fmt.Sprintf("%.0f", ratio.Median(row.all)))
	}
	return errors.Join(failed...)
}

func (s *system) round(ctx context.Context, row *cpuRow) error {
	used, requests, err := s.spend(ctx, row.gate, row.load, perSecond)
	if err != nil {
		return err
	}
	each := func(of time.Duration) float64 { return float64(of.Microseconds()) / float64(requests) }
	for i, of := range used {
		row.each[i] = append(row.each[i], each(of))
	}
	row.all = append(row.all, each(used.sum()))
	return nil
}

// spend runs a load after a short one that does not count, and tells what it used. No request
// may fail.
func (s *system) spend(ctx context.Context, g *gate, l httpload.Load, perSecond float64) (used usage, requests int64, err error) {
	l.Pause = httpload.Pause(l.Clients, perSecond)
	if _, err := l.Run(ctx, warmUp); err != nil {
		return usage{}, 0, err
	}
	before, err := s.usage(g)
	if err != nil {
		return usage{}, 0, err
	}
	o, err := l.Run(ctx, length)
	if err == nil && o.Failed > 0 {
		err = fmt.Errorf("%d of %d requests failed; the gateway's log ends with: %s", o.Failed, o.Requests, g.LastWords())
	}
	if err != nil {
		return usage{}, 0, err
	}
	after, err := s.usage(g)
	return after.since(before), o.Requests, err
}

// takeRest measures what runs without a request.
func (s *system) takeRest(ctx context.Context, w io.Writer) error {
	before, err := s.usage(s.line)
	if err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rest):
	}
	after, err := s.usage(s.line)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nat rest, %% of a core\n")
	for i, of := range after.since(before) {
		fmt.Fprintf(w, "%-14s %.1f\n", s.parts(s.line)[i].name, 100*of.Seconds()/time.Since(began).Seconds())
	}
	return nil
}

// takePeer compares one limit of ours with one of Kong's own, both in Redis. Of ours the
// plugin server's time counts, and in it what it does with nginx's lines; of Kong's, Kong's
// and Redis' alone.
func (s *system) takePeer(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w)
	measure := func(path string, parts ...int) ratio.Measure {
		return func(ctx context.Context) (float64, error) {
			used, requests, err := s.spend(ctx, s.line, by(s.line, path), perSecond)
			var sum time.Duration
			for _, i := range parts {
				sum += used[i]
			}
			return float64(sum.Microseconds()) / float64(requests), err
		}
	}
	row := ratio.Take(ctx, ratio.Row{
		What: "a limit", Peer: "Kong's rate-limiting", Unit: "CPU s a million requests", Target: 1, AtMost: true,
		Ours: measure("/limits1", kongPart, serverPart, redisPart), Base: measure("/lua", kongPart, redisPart),
	})
	return errors.Join(row.Err, ratio.Print(w, []ratio.Result{row}))
}
