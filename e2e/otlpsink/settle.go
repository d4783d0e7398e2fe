package otlpsink

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// textWait is how long a tree waits for spans that are under way, if it is not told.
	textWait = 3 * time.Second
	// maxWait bounds what it may be told.
	maxWait = 30 * time.Second
	// quiet is for how long no span may have come of a trace that is whole. Processes send
	// theirs every 200 ms (OTEL_BSP_SCHEDULE_DELAY of the stack).
	quiet = 400 * time.Millisecond
	// quietBelow is the same for one that hangs from a span which is not held: the client's,
	// or one that is yet to come.
	quietBelow = 3 * quiet
)

func waitOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" && r.URL.Query().Get("format") == "text" {
		return textWait, nil
	}
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, fmt.Errorf("wait is %q: write a duration of up to %s, such as 2s", text, maxWait)
	}
	return wait, nil
}

// settled is a trace once it is whole, and at the latest what is held of it after wait.
func (s *store) settled(ctx context.Context, id string, wait time.Duration) []Span {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		spans, last, more := s.look(id)
		var silence <-chan time.Time // for as long as it takes, if it is whole
		if enough, ok := silenceFor(spans); ok {
			left := enough - time.Since(last)
			if left <= 0 {
				return spans
			}
			silence = time.After(left)
		}
		select {
		case <-ctx.Done():
			return s.trace(id)
		case <-more:
		case <-silence:
		}
	}
}

// look returns a trace, when its last span came, and what is closed when any span comes.
func (s *store) look(id string) (spans []Span, last time.Time, more <-chan struct{}) {
	s.mu.Lock()
	last, more = s.last[id], s.more
	s.mu.Unlock()
	return s.trace(id), last, more
}

// silenceFor is after which silence a trace counts as whole: all of it hangs from one span,
// and each call of another process has that one's span below it. Otherwise none is enough.
func silenceFor(spans []Span) (enough time.Duration, ok bool) {
	held, parents := map[string]bool{}, map[string]bool{}
	for _, span := range spans {
		held[span.SpanID], parents[span.ParentSpanID] = true, true
	}
	roots := 0
	enough = quiet
	for _, span := range spans {
		if !held[span.ParentSpanID] {
			roots++
		}
		if span.ParentSpanID != "" && !held[span.ParentSpanID] {
			enough = quietBelow
		}
		if span.Kind == "client" && !parents[span.SpanID] {
			return 0, false
		}
	}
	return enough, roots == 1
}
