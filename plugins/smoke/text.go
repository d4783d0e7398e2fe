package smoke

import (
	"bytes"
	"fmt"
	"io"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// WriteText writes a report for a person: each route with its waterfall, then what is wrong
// with it.
func (r *Report) WriteText(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s, by %s\n", r.Gateway, r.by())
	good, bad, skipped := 0, 0, 0
	for i := range r.Routes {
		route := &r.Routes[i]
		switch {
		case route.Skipped != "":
			skipped++
		case len(route.Findings) > 0:
			bad++
		default:
			good++
		}
		route.write(&out)
	}
	fmt.Fprintf(&out, "\n%d good, %d with findings, %d skipped", good, bad, skipped)
	if good+bad == 0 {
		out.WriteString(": no route was asked, which is no pass")
	}
	out.WriteString("\n")
	_, err := w.Write(out.Bytes())
	return err
}

func (r *Report) by() string {
	if r.LookedAt == LookedAtHops {
		return "the hops that were seen"
	}
	return "the answers alone: hops were not looked at, for which a trace backend is to be named"
}

func (r *Route) write(w io.Writer) {
	if r.Skipped != "" {
		fmt.Fprintf(w, "\n- %s is skipped: %s\n", r.Name, r.Skipped)
		return
	}
	mark := "✓"
	if len(r.Findings) > 0 {
		mark = "✗"
	}
	fmt.Fprintf(w, "\n%s %s  %s %s", mark, r.Name, r.Method, r.Path)
	if r.Status != 0 {
		fmt.Fprintf(w, "  %d in %.1f ms", r.Status, r.Millis)
	}
	if r.TraceID != "" {
		fmt.Fprintf(w, "  trace %s", r.TraceID)
	}
	fmt.Fprintln(w)
	_ = hops.Draw(w, r.Spans) // w is memory
	for _, service := range r.Services {
		fmt.Fprintf(w, "  %s noted it, in this trace\n", service)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  ✗ %s\n", f)
	}
}
