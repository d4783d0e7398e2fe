package ratio

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Print writes results as a table, and below it why rows failed.
func Print(w io.Writer, results []Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "what\tours\tpeer\tunit\tratio (range)\ttarget\t")
	for _, r := range results {
		if r.Err != nil {
			_, _ = fmt.Fprintf(table, "%s\tfailed\t\t%s\t\t%s\t\n", r.What, r.Unit, r.target())
			continue
		}
		peer, ratio := "", figure(r.Ratio)
		if r.Base != nil {
			peer = figure(r.BaseMedian) + " " + r.Peer
			ratio = fmt.Sprintf("%s (%s to %s)", ratio, figure(r.Low), figure(r.High))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", r.What, figure(r.OursMedian), peer, r.Unit, ratio, r.target())
	}
	err := table.Flush()
	for _, r := range results {
		if r.Err != nil {
			_, _ = fmt.Fprintln(w, r.Err)
		}
	}
	return err
}

func (r Result) target() string {
	bound, verdict := "≥ ", "missed"
	if r.AtMost {
		bound = "≤ "
	}
	if r.Met() {
		verdict = "met"
	}
	return bound + strconv.FormatFloat(r.Target, 'g', -1, 64) + " " + verdict
}

// figure writes three digits, without an exponent.
func figure(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 4, 64)
	}
}

// Machine is one line on what the figures were taken on.
func Machine() string {
	return fmt.Sprintf("%s, %d CPUs (%s), %s/%s, medians of %d rounds in turn or more",
		runtime.Version(), runtime.NumCPU(), cpuModel(), runtime.GOOS, runtime.GOARCH, Rounds)
}

func cpuModel() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown model"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown model"
}
