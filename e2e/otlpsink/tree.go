package otlpsink

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// tree draws the spans of one trace.
type tree struct {
	w        io.Writer
	origin   time.Time
	children map[string][]Span // by the parent's span id; "" has the roots
	drawn    map[string]bool
}

// writeTree writes a trace as an indented tree: when each span began after the
// first, how long it took, its service, kind and name. A span whose parent is not
// held stands at the left, and so does one that is its own ancestor.
func writeTree(w io.Writer, spans []Span) {
	held := map[string]bool{}
	for _, span := range spans {
		held[span.SpanID] = true
	}
	t := tree{w: w, origin: spans[0].Start, children: map[string][]Span{}, drawn: map[string]bool{}}
	for _, span := range spans {
		parent := span.ParentSpanID
		if !held[parent] {
			parent = ""
		}
		t.children[parent] = append(t.children[parent], span)
	}
	t.draw(t.children[""], 0)
	t.draw(spans, 0) // what is left hangs from no root
}

// draw skips what is drawn already: a span that was exported twice, or a circle.
func (t tree) draw(spans []Span, depth int) {
	for _, span := range spans {
		if t.drawn[span.SpanID] {
			continue
		}
		t.drawn[span.SpanID] = true
		_, _ = fmt.Fprintf(t.w, "%8s %8s  %s%s %s %s\n", short(span.Start.Sub(t.origin)), short(span.End.Sub(span.Start)),
			strings.Repeat("  ", depth), span.Service, span.Kind, span.Name)
		t.draw(t.children[span.SpanID], depth+1)
	}
}

// short is a duration in milliseconds.
func short(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}
