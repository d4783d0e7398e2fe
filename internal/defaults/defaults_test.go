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
	private string `kong:"default=x"` //nolint:unused // the test is that it is left alone
}

func TestFill(t *testing.T) {
	t.Parallel()
	filled := config{Mode: "b", Bytes: 65536, Ratio: 0.5, Nested: names{Claim: "sub"}}
	written := config{Mode: "a", Bytes: 1, Ratio: 0.1, On: true, Plain: "p", List: []int{2}, Nested: names{Claim: "c"}}
	for name, tt := range map[string]struct{ given, want config }{
		"nothing":    {config{}, filled},
		"everything": {written, written},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.given
			defaults.Fill(&got)
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
