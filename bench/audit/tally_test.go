package audit

import "testing"

func TestTally(t *testing.T) {
	t.Parallel()
	calls := map[string]call{"a": {200, 310, 0.004}, "b": {404, 120, 4}}
	a := record{RequestID: "a", Source: "upstream", Status: 200, Size: 310, LatencyMS: 4}
	b := record{RequestID: "b", Source: "kong", Status: 404, Size: 120, LatencyMS: 4002}
	unknown := record{RequestID: "b", Source: "unknown", LatencyMS: 3900}
	late := unknown
	late.LatencyMS = 300_000
	corrected := b
	corrected.Correction = true
	partial := b
	partial.Partial = true
	wrong := b
	wrong.Status = 200
	for name, tt := range map[string]struct {
		records []record
		want    figures
	}{
		"all":                   {[]record{a, b}, figures{requests: 2, records: 2}},
		"one missing":           {[]record{a}, figures{requests: 2, records: 1, missing: 1}},
		"one twice":             {[]record{a, b, b}, figures{requests: 2, records: 2, twice: 1}},
		"one corrected":         {[]record{a, unknown, corrected}, figures{requests: 2, records: 2}},
		"corrected alone":       {[]record{a, corrected}, figures{requests: 2, records: 2}},
		"one unknown":           {[]record{a, unknown}, figures{requests: 2, records: 2, unknown: 1}},
		"with a false latency":  {[]record{a, late}, figures{requests: 2, records: 2, unknown: 1, wrong: 1}},
		"one partial":           {[]record{a, partial}, figures{requests: 2, records: 2, partial: 1}},
		"another status":        {[]record{a, wrong}, figures{requests: 2, records: 2, wrong: 1}},
		"of nobody's request":   {[]record{a, b, {RequestID: "c"}}, figures{requests: 2, records: 2}},
		"unknown and not fixed": {[]record{a, unknown, b}, figures{requests: 2, records: 2, unknown: 1, twice: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tally(calls, tt.records); got != tt.want {
				t.Errorf("tally = %+v, want %+v", got, tt.want)
			}
		})
	}
}
