// Command bill reckons what a month costs, from what `make bench SUITE=capacity` measured and
// from prices that can be given:
//
//	go run ./capacity/bill [-factor 0.6] [-vcpu-hour 0.03] …
//
// docs/capacity.md has what it prints without flags, and says what each line is.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

func main() {
	m, p := reference, list
	factor := 1.0
	flags := flag.NewFlagSet("bill", flag.ExitOnError) // ends with 2 for a value that does not parse
	flags.Float64Var(&factor, "factor", factor, "CPU time of your machine for a request, over that of the reference")
	flags.Float64Var(&p.cpuHour, "vcpu-hour", p.cpuHour, "USD for a CPU and hour")
	flags.Float64Var(&p.gibHour, "gib-hour", p.gibHour, "USD for a GiB of memory and hour")
	flags.Float64Var(&p.balancerHour, "balancer-hour", p.balancerHour, "USD for a load balancer and hour")
	flags.Float64Var(&p.balancedGB, "balanced-gb", p.balancedGB, "USD for a GB through it")
	flags.Float64Var(&p.keptGBMonth, "kept-gb-month", p.keptGBMonth, "USD for a GB of objects and month")
	flags.Float64Var(&p.ingestedGB, "ingested-gb", p.ingestedGB, "USD for a GB that a managed log service takes")
	flags.Float64Var(&p.outGB, "out-gb", p.outGB, "USD for a GB that leaves")
	flags.Float64Var(&p.peakHours, "peak-hours", p.peakHours, "hours of a day at the peak")
	flags.Float64Var(&p.days, "days", p.days, "days that logs are kept")
	flags.Float64Var(&p.requestBytes, "request-bytes", p.requestBytes, "bytes of a request")
	flags.Float64Var(&p.answerBytes, "answer-bytes", p.answerBytes, "bytes of an answer")
	_ = flags.Parse(os.Args[1:]) // it exits
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bill: %q is no flag: see -help\n", flags.Arg(0))
		os.Exit(2)
	}
	printBills(os.Stdout, m.times(factor), p)
}

// times is what a machine has that takes so many times as long.
func (m measured) times(factor float64) measured {
	m.kong, m.server, m.redis, m.page = factor*m.kong, factor*m.server, factor*m.redis, factor*m.page
	return m
}

// printBills prints a column a size.
func printBills(w io.Writer, m measured, p prices) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	bills := make([]bill, len(sizes))
	for i, s := range sizes {
		bills[i] = reckon(s, m, p)
	}
	row := func(what string, cell func(s size, b bill) string) {
		fmt.Fprint(table, what)
		for i, s := range sizes {
			fmt.Fprint(table, "\t", cell(s, bills[i]))
		}
		fmt.Fprintln(table)
	}
	usd := func(what string, of func(b bill) float64) {
		row(what, func(_ size, b bill) string { return fmt.Sprintf("%.0f", of(b)) })
	}
	row("", func(s size, _ bill) string { return s.name })
	row("requests a month, million", func(s size, _ bill) string { return fmt.Sprintf("%.0f", s.requests/1e6) })
	row("a second, mean and peak", func(s size, _ bill) string {
		return fmt.Sprintf("%.0f, %.0f", s.perSecond(), s.peak*s.perSecond())
	})
	row("cores in use at the peak", func(_ size, b bill) string { return fmt.Sprintf("%.1f", b.cores) })
	row("gateway pods, mean and peak", func(_ size, b bill) string { return fmt.Sprintf("%d, %d", b.pods[0], b.pods[1]) })
	row("pods of each BFF, mean and peak", func(_ size, b bill) string { return fmt.Sprintf("%d, %d", b.pagePods[0], b.pagePods[1]) })
	row("Redis, MiB, and of a core at the peak", func(_ size, b bill) string {
		return fmt.Sprintf("%.0f, %.2f", b.redisMiB, b.redisShare)
	})
	row("logs a month, GB", func(_ size, b bill) string { return fmt.Sprintf("%.0f", b.loggedGB) })
	row(fmt.Sprintf("kept for %.0f days, compressed, GB", p.days), func(_ size, b bill) string { return fmt.Sprintf("%.0f", b.keptGB) })
	usd("USD a month: CPU and memory", func(b bill) float64 { return b.compute })
	usd("USD a month: Redis, two nodes", func(b bill) float64 { return b.redis })
	usd("USD a month: load balancer", func(b bill) float64 { return b.balancer })
	usd("USD a month: logs kept", func(b bill) float64 { return b.logs })
	usd("USD a month: all of it", bill.sum)
	row("USD for a million requests", func(s size, b bill) string { return fmt.Sprintf("%.2f", b.sum()/s.requests*1e6) })
	usd("besides: logs in a managed service", func(b bill) float64 { return b.ingested })
	usd("besides: data out", func(b bill) float64 { return b.out })
}
