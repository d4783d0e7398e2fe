package scrubreport

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// MaxRows bounds the rows of a table: what comes after them is counted in one of others. The
// fields' names are those of lines, of which anybody may write one.
const MaxRows = 1000

const others = "(others)"

// Report counts what an engine found.
type Report struct {
	Engine *scrub.Engine
	// Routes has findings counted by route and field; nil: by rule.
	Routes *Routes

	// Lines are those that were read, Found those in which something was found, and Dropped
	// the texts that could not be examined.
	Lines, Found, Dropped int

	rows map[row]int
}

// row is what is counted together.
type row struct {
	route, field string
	kind, action string
	rule         string
}

// Add counts what is in a line.
func (r *Report) Add(l *scrub.Line) {
	r.Lines++
	if l.Tally.Total() == 0 {
		return
	}
	r.Found++
	route := None
	if r.Routes != nil {
		route = r.shown(r.Routes.Of(l.Text))
	}
	for _, x := range l.Explain() {
		one := row{kind: x.Kind.String(), action: r.Engine.Action(x.Kind).String(), rule: x.Rule.String()}
		if x.Pattern != "" {
			one.rule += " " + x.Pattern
		}
		if x.Dropped {
			r.Dropped++
			one.kind, one.action = scrub.Dropped.String(), scrub.Dropped.String()
		}
		if r.Routes != nil {
			one.route, one.field, one.rule = route, r.Field(l, x), ""
		}
		r.count(one)
	}
}

func (r *Report) count(one row) {
	if r.rows == nil {
		r.rows = map[row]int{}
	}
	if _, known := r.rows[one]; !known && len(r.rows) >= MaxRows {
		one = row{kind: one.kind, action: one.action, route: others, field: others, rule: others}
	}
	r.rows[one]++
}

// Field is [Field] of a finding, scrubbed.
func (r *Report) Field(l *scrub.Line, x scrub.Explained) string {
	return r.shown(Field(l.Text, x.Start, x.End))
}

func (r *Report) shown(name string) string {
	out, _ := r.Engine.Text(nil, []byte(name))
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(string(out), "?"))
}

// WriteTable writes the rows, the most frequent of each route first, and a last line of all.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "KIND\tACTION\tRULE\tCOUNT"
	if r.Routes != nil {
		head = "ROUTE\tFIELD\tKIND\tACTION\tCOUNT"
	}
	fmt.Fprintln(t, head)
	for _, one := range slices.SortedFunc(maps.Keys(r.rows), r.compare) {
		if r.Routes != nil {
			fmt.Fprintf(t, "%s\t%s\t", one.route, one.field)
		}
		fmt.Fprintf(t, "%s\t%s\t", one.kind, one.action)
		if r.Routes == nil {
			fmt.Fprintf(t, "%s\t", one.rule)
		}
		fmt.Fprintf(t, "%d\n", r.rows[one])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "lines: %d, with findings: %d, texts dropped: %d\n", r.Lines, r.Found, r.Dropped)
	return err
}

func (r *Report) compare(a, b row) int {
	return cmp.Or(strings.Compare(a.route, b.route), r.rows[b]-r.rows[a],
		strings.Compare(a.field, b.field), strings.Compare(a.kind+a.rule+a.action, b.kind+b.rule+b.action))
}
