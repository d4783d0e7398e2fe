package hops

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	nameWidth = 40 // of a service, in characters
	treeWidth = 46 // of a span with what it hangs from
	barWidth  = 32
)

// Draw writes the spans of a trace as a waterfall: the tree of who called whom, when each
// began after the first, how long it took, and a bar for that. What hangs from a span that
// is not there stands at the left, marked with a question mark.
func Draw(w io.Writer, spans []Span) error {
	t := newTrace(spans)
	if len(t.spans) == 0 {
		return nil
	}
	d := drawing{w: w, trace: t, from: t.spans[0].Start, drawn: map[string]bool{}}
	for _, s := range t.spans {
		d.to = max(d.to, s.End.Sub(d.from))
	}
	for _, s := range t.spans {
		if t.byID[s.ParentID] == nil {
			mark := ""
			if s.ParentID != "" && !s.IsGateway() {
				mark = "? "
			}
			d.draw(s, mark, "")
		}
	}
	for _, s := range t.spans {
		d.draw(s, "? ", "") // a circle hangs from nothing
	}
	return d.err
}

type drawing struct {
	w     io.Writer
	trace *trace
	from  time.Time
	to    time.Duration
	drawn map[string]bool
	err   error
}

// maxDepth is how deep a tree is drawn: what is below hangs there.
const maxDepth = 12

func (d *drawing) draw(s *Span, branch, below string) {
	if d.drawn[s.ID] || d.err != nil {
		return
	}
	d.drawn[s.ID] = true
	failed := " "
	if s.Failed {
		failed = "!"
	}
	start, took := s.Start.Sub(d.from), max(0, s.End.Sub(s.Start))
	line := fmt.Sprintf("  %s%s%8.1f %8.1f ms  %s", padded(branch+label(s), treeWidth), failed, millis(start), millis(took), d.bar(start, took))
	if _, d.err = fmt.Fprintln(d.w, strings.TrimRight(line, " ")); d.err != nil {
		return
	}
	children := d.trace.children[s.ID]
	for i, child := range children {
		switch {
		case utf8.RuneCountInString(below) >= 2*maxDepth:
			d.draw(child, below+"└ ", below)
		case i < len(children)-1:
			d.draw(child, below+"├ ", below+"│ ")
		default:
			d.draw(child, below+"└ ", below+"  ")
		}
	}
}

// label is whose span it is, and of what. A call says whom it asks.
func label(s *Span) string {
	text := clean(cmp.Or(s.Service, "?"), nameWidth) + "  " + clean(s.Name, nameWidth)
	if s.Kind == kindClient && s.asks() != "" {
		text += " → " + clean(s.asks(), nameWidth)
	}
	return text
}

// bar is where in the whole trace a span was. The least is one character.
func (d *drawing) bar(start, took time.Duration) string {
	if d.to <= 0 {
		return ""
	}
	at := min(max(0, int(int64(start)*barWidth/int64(d.to))), barWidth-1)
	length := min(max(1, int(int64(took)*barWidth/int64(d.to))), barWidth-at)
	return strings.Repeat(" ", at) + strings.Repeat("█", length)
}

func padded(text string, width int) string {
	text = clean(text, width)
	return text + strings.Repeat(" ", width-utf8.RuneCountInString(text))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
