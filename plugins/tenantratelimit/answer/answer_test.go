package answer

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

// TestString runs the HTTP working group's vectors for strings backwards: what
// a parser makes of the canonical form has to serialise to it.
func TestString(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/structured-fields/string.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name      string
		Raw       []string
		Canonical []string
		Expected  []any
		MustFail  bool `json:"must_fail"`
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, v := range vectors {
		if v.MustFail || len(v.Expected) == 0 {
			continue
		}
		want := v.Raw[0]
		if len(v.Canonical) > 0 {
			want = v.Canonical[0]
		}
		if got, err := String(v.Expected[0].(string)); err != nil || got != want {
			t.Errorf("%s: %s, error %v; want %s", v.Name, got, err, want)
		}
		ran++
	}
	if ran < 5 {
		t.Errorf("only %d vectors ran", ran)
	}
	for _, s := range []string{"füü", "a\nb", "\x7f", "\x00"} {
		if got, err := String(s); err == nil {
			t.Errorf("String(%q) = %s, want an error", s, got)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	policy := PolicyField([]Policy{
		{Name: `"tenant"`, Quota: 100, Window: time.Minute, Burst: 100},
		{Name: `"per \"user\""`, Quota: 10, Window: time.Second, Burst: 25},
		{Name: `"month"`, Quota: 1_000_000},
		{Name: `"none"`, Window: time.Minute},
	})
	want := `"tenant";q=100;w=60, "per \"user\"";q=10;w=1;gatehouse-burst=25, "month";q=1000000, "none";q=0;w=60`
	if policy != want {
		t.Errorf("policy = %s, want %s", policy, want)
	}
	got := LimitField([]Standing{
		{Name: `"tenant"`, Remaining: 50, Reset: 29*time.Second + time.Microsecond},
		{Name: `"full"`, Remaining: 7},
		{Name: `"none"`, Reset: time.Second, Blocked: true},
	})
	if want := `"tenant";r=50;t=30, "full";r=7;t=0, "none";r=0`; got != want {
		t.Errorf("limit = %s, want %s", got, want)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"quota-exceeded": QuotaExceeded([]string{"tenant", `per "user"`}, 12, Own{}),
		"one-second":     QuotaExceeded([]string{"tenant"}, 1, Own{}),
		"blocked":        QuotaExceeded([]string{"tenant"}, 0, Own{}),
		"shed":           Shed([]string{"backend"}, 3, Own{}),
		"own-message":    QuotaExceeded([]string{"tenant"}, 1, Own{Message: `Ask "us" for more: <https://example.com/plans>`}),
		"own-words": Shed([]string{"backend"}, 1, Own{
			Type: "https://example.com/problems/busy", Title: "Viel los", Message: "Bitte später noch einmal.",
		}),
		"unavailable": Unavailable(1),
	} {
		golden.Check(t, "testdata/"+name+".json", append(body, '\n'))
	}
}
