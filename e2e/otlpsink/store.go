package otlpsink

import (
	"slices"
	"sync"
	"time"
)

// store holds the newest traces, by id.
type store struct {
	mu     sync.Mutex
	traces map[string][]Span
	order  []string             // trace ids, oldest first
	last   map[string]time.Time // when the last span of each came
	more   chan struct{}        // closed when spans come, for another one
}

func newStore() store {
	return store{traces: map[string][]Span{}, last: map[string]time.Time{}, more: make(chan struct{})}
}

func (s *store) add(spans []Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.more)
	s.more = make(chan struct{})
	for _, span := range spans {
		s.last[span.TraceID] = time.Now()
		held, known := s.traces[span.TraceID]
		if !known {
			s.order = append(s.order, span.TraceID)
			s.evict()
		}
		if len(held) < maxSpans {
			s.traces[span.TraceID] = append(held, span)
		}
	}
}

// evict forgets the oldest trace when there are too many. It is called with mu held.
func (s *store) evict() {
	if len(s.order) > maxTraces {
		delete(s.traces, s.order[0])
		delete(s.last, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *store) trace(id string) []Span {
	s.mu.Lock()
	spans := slices.Clone(s.traces[id])
	s.mu.Unlock()
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return spans
}

// Summary is a trace in a list.
type Summary struct {
	TraceID string    `json:"trace_id"`
	Name    string    `json:"name"` // of the span that began first
	Spans   int       `json:"spans"`
	Start   time.Time `json:"start"`
}

func (s *store) newest(limit int) []Summary {
	s.mu.Lock()
	ids := slices.Clone(s.order[max(0, len(s.order)-limit):])
	s.mu.Unlock()
	slices.Reverse(ids)
	list := make([]Summary, 0, len(ids))
	for _, id := range ids {
		if spans := s.trace(id); len(spans) > 0 {
			list = append(list, Summary{TraceID: id, Name: spans[0].Name, Spans: len(spans), Start: spans[0].Start})
		}
	}
	return list
}
