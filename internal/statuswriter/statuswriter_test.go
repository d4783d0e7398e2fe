package statuswriter_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/statuswriter"
)

// silent takes every status, as net/http does.
type silent struct {
	*httptest.ResponseRecorder
	seen []int
}

func (s *silent) WriteHeader(status int) { s.seen = append(s.seen, status) }

func TestWriter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statuses []int
		want     int
	}{
		"none":              {nil, 200},
		"one":               {[]int{404}, 404},
		"a second one":      {[]int{404, 200}, 404},
		"after information": {[]int{103, 503}, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			under := &silent{ResponseRecorder: httptest.NewRecorder()}
			w := statuswriter.New(under)
			for _, status := range tc.statuses {
				w.WriteHeader(status)
			}
			if w.Status != tc.want || !slices.Equal(under.seen, tc.statuses) {
				t.Errorf("status %d, want %d; written %v of %v", w.Status, tc.want, under.seen, tc.statuses)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		})
	}
}
