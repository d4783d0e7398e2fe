package otlpsink

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// writeTree writes a trace as an indented tree: when each span began after the
// first, how long it took, its service, kind and name. A span whose parent is not
// held stands at the left.
func writeTree(w io.Writer, spans []Span) {
	children := map[string][]Span{}
	held := map[string]bool{}
	for _, span := range spans {
		held[span.SpanID] = true
	}
	for _, span := range spans {
		parent := span.ParentSpanID
		if !held[parent] || parent == span.SpanID {
			parent = ""
		}
		children[parent] = append(children[parent], span)
	}
	origin := spans[0].Start
	seen := map[string]bool{}
	var write func(parent string, depth int)
	write = func(parent string, depth int) {
		for _, span := range children[parent] {
			if seen[span.SpanID] {
				continue // an exporter that sent it twice
			}
			seen[span.SpanID] = true
			_, _ = fmt.Fprintf(w, "%8s %8s  %s%s %s %s\n", short(span.Start.Sub(origin)), short(span.End.Sub(span.Start)),
				strings.Repeat("  ", depth), span.Service, span.Kind, span.Name)
			write(span.SpanID, depth+1)
		}
	}
	write("", 0)
}

// short is a duration in milliseconds.
func short(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}
