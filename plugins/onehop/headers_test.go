package onehop

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMerge: of two sections that set one header the later counts, however they
// spell it; Kong would set both in no order.
func TestMerge(t *testing.T) {
	t.Parallel()
	trace := map[string][]string{"traceparent": {"00"}, "baggage": {}, "x-plan": {"trace's"}}
	limit := map[string][]string{"X-Plan": {"gold"}, "X_Plan": nil}
	var h headers
	h.merge(trace, map[string][]string{"ratelimit": {"trace's"}})
	h.merge(nil, nil)
	h.merge(limit, map[string][]string{"RateLimit": {"limiter's"}})
	want := headers{
		upstream: map[string][]string{"traceparent": {"00"}, "baggage": {}, "X-Plan": {"gold"}, "X_Plan": nil},
		client:   map[string][]string{"RateLimit": {"limiter's"}},
	}
	if diff := cmp.Diff(want, h, cmp.AllowUnexported(headers{})); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if len(trace) != 3 || len(limit) != 2 {
		t.Errorf("the sections' own maps, which events share, are changed: %v, %v", trace, limit)
	}
}
