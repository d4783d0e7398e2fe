// Package faults has things fail on three real Kongs behind a balancer, under a steady
// load, and says what clients saw, what was lost and which alerts fired. Each fault has
// claims, and a claim that does not hold is an error.
package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// chosen is the variable that has the names of faults, with commas; default: all.
const chosen = "FAULTS"

// longestTrial bounds a fault.
const longestTrial = 10 * time.Minute

// fault is something that fails.
type fault struct {
	name, what string
	arrangement
	lacks  func() string // what this machine lacks for it, nil or "" if nothing
	alerts []string      // that must fire
	run    func(context.Context, *trial) error
	claims []claim
}

// claim is what must be true of a fault.
type claim struct {
	says  string
	holds func(*trial, figures) bool
}

// Take runs the faults that are chosen and prints each as it is done. One that cannot be
// run is printed with why, and the others go on.
func Take(ctx context.Context, w io.Writer) error {
	if err := kongserver.Missing(); err != nil {
		return err
	}
	for _, program := range []string{"redis-server", "prometheus"} {
		if _, err := exec.LookPath(program); err != nil {
			return ratio.Missing{What: program + " on PATH"}
		}
	}
	list, err := choose(os.Getenv(chosen))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, dir); err != nil {
		return err
	}
	var failed []error
	for _, f := range list {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = append(failed, f.take(ctx, w, dir))
	}
	return errors.Join(failed...)
}

func choose(names string) (list []fault, err error) {
	if names == "" {
		return faults, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
		if i < 0 {
			var known []string
			for _, f := range faults {
				known = append(known, f.name)
			}
			return nil, fmt.Errorf("%s: there is no fault %q; use %s", chosen, name, strings.Join(known, ", "))
		}
		list = append(list, faults[i])
	}
	return list, nil
}

// take has the fault happen and prints it.
func (f fault) take(ctx context.Context, w io.Writer, binaries string) error {
	fmt.Fprintf(w, "%s: %s\n", f.name, f.what)
	if f.lacks != nil && f.lacks() != "" {
		fmt.Fprintf(w, "  left out: no %s\n", f.lacks())
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestTrial)
	defer cancel()
	t, r, err := measure(ctx, binaries, f)
	if err != nil {
		fmt.Fprintf(w, "  failed: %v\n", err)
		return errors.Join(fmt.Errorf("%s: %w", f.name, err), t.close())
	}
	err = errors.Join(f.print(w, t, r), t.close())
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

// print writes what a fault came to. A claim that does not hold is an error.
func (f fault) print(w io.Writer, t *trial, r figures) error {
	fmt.Fprintf(w, "  clients   %s\n", r.clients())
	for _, a := range r.answers {
		if !a.good() {
			fmt.Fprintf(w, "  such as   %s: %s %s%s\n", a.kind, a.seen(), a.broken, a.problem)
			break
		}
	}
	fmt.Fprintf(w, "  lasted    %.0f s; failing until %.1f s; well again %s; load average %s\n", r.lasted.Seconds(), r.failing.Seconds(), r.wellAgain(), loadAverage())
	fmt.Fprintf(w, "  latency   p99 of good answers %d ms, before %d ms\n", r.meanwhile.Milliseconds(), r.before.Milliseconds())
	fmt.Fprintf(w, "  limits    %d decisions without Redis, the last %.0f s after it began; over its limit: %d admitted, %d by its limit\n",
		r.alone, r.aloneLast.Seconds(), r.admitted(), r.allowed(t))
	fmt.Fprintf(w, "  lost      audit records %d (%d counted), spans %d (%d counted), of %d answers\n",
		r.records, r.recordsCounted, r.spans, r.spansCounted, len(r.answers))
	fmt.Fprintf(w, "  alerts    %s\n", r.alertList())
	var broken []error
	for _, c := range append(f.usual(), f.claims...) {
		verdict := "holds "
		if !c.holds(t, r) {
			verdict = "BROKEN"
			broken = append(broken, errors.New(c.says))
		}
		fmt.Fprintf(w, "  %s    %s\n", verdict, c.says)
	}
	return errors.Join(broken...)
}

// usual are the claims of every fault.
func (f fault) usual() []claim {
	list := []claim{{"all is well again by itself once its cause is gone", func(_ *trial, r figures) bool { return r.settled }}}
	if len(f.alerts) > 0 {
		list = append(list, claim{"these fire: " + strings.Join(f.alerts, ", "), func(_ *trial, r figures) bool {
			for _, name := range f.alerts {
				if _, ok := r.alerts[name]; !ok {
					return false
				}
			}
			return true
		}})
	}
	return list
}

// clients is what they saw, by kind of request.
func (r figures) clients() string {
	count := map[kind]map[string]int{}
	for _, a := range r.answers {
		if count[a.kind] == nil {
			count[a.kind] = map[string]int{}
		}
		count[a.kind][a.seen()]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(count)) {
		var words []string
		for _, seen := range slices.Sorted(maps.Keys(count[k])) {
			words = append(words, fmt.Sprintf("%d × %s", count[k][seen], seen))
		}
		parts = append(parts, string(k)+" "+strings.Join(words, ", "))
	}
	return strings.Join(parts, "; ")
}

// admitted is how many requests of the client over its limit were admitted, and allowed how
// many may be: what the limit has at once, and what comes back.
func (r figures) admitted() (count int) {
	for _, a := range r.answers {
		if a.kind == over && a.status == http.StatusOK {
			count++
		}
	}
	return count
}

func (r figures) allowed(t *trial) int {
	last := t.began
	for _, a := range r.answers {
		if a.ended.After(last) {
			last = a.ended
		}
	}
	return int(overLimit * (1 + last.Sub(t.began).Minutes()))
}

func (r figures) wellAgain() string {
	if !r.settled {
		return "never"
	}
	return fmt.Sprintf("%.1f s after its cause was gone", r.well.Seconds())
}

func (r figures) alertList() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.alerts)) {
		parts = append(parts, fmt.Sprintf("%s after %.0f s", name, r.alerts[name].Seconds()))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
