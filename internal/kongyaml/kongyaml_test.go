package kongyaml

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Scalars are read as Kong's lyaml reads them.
func TestScalars(t *testing.T) {
	t.Parallel()
	got, err := Decode([]byte("base: &b {x: 1}\nd: 2026-01-15T00:00:00Z\ny: yes\nn: 'no'\nz: ~\nh: 0x10\nm: {<<: *b, y: 2}\ns: !!str 5\n"))
	want := map[string]any{
		"base": map[string]any{"x": 1.0}, "d": "2026-01-15T00:00:00Z", "y": true, "n": "no", "z": nil, "h": 16.0,
		"m": map[string]any{"x": 1.0, "y": 2.0}, "s": "5",
	}
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}
