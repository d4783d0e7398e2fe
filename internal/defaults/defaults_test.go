package defaults_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/defaults"
)

type names struct {
	Claim string `kong:"default=sub,len_min=1"`
}

type config struct {
	Mode    string  `kong:"one_of=a|b,default=b"`
	Bytes   int     `kong:"default=65536,between=256|1048576"`
	Ratio   float64 `kong:"default=0.5"`
	On      bool    `kong:"default=true"` // an operator may have written false
	Plain   string  `kong:"len_min=1"`
	List    []int   `kong:"default=[1]"`
	Nested  names
	Rows    []names
	private string `kong:"default=x"` //nolint:unused // the test is that it is left alone
}

func TestFill(t *testing.T) {
	t.Parallel()
	filled := config{Mode: "b", Bytes: 65536, Ratio: 0.5, List: []int{1}, Nested: names{Claim: "sub"}}
	fresh := filled
	fresh.On = true
	written := config{Mode: "a", Bytes: 1, Ratio: 0.1, On: true, Plain: "p", List: []int{2}, Nested: names{Claim: "c"}, Rows: []names{{"r"}}}
	for name, tt := range map[string]struct {
		fill        func(any)
		given, want config
	}{
		"nothing":           {defaults.Fill, config{}, filled},
		"nothing, of a new": {defaults.New, config{}, fresh},
		"everything":        {defaults.Fill, written, written},
		"an empty row":      {defaults.Fill, config{Rows: []names{{}}}, func() config { c := filled; c.Rows = []names{{"sub"}}; return c }()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.given
			tt.fill(&got)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(config{})); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFillRefusesWhatIsNoValue(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a default that is no number was taken")
		}
	}()
	defaults.Fill(&struct {
		N int `kong:"default=many"`
	}{})
}
