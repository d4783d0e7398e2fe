package ratio

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func fixed(values ...float64) Measure {
	i := -1
	return func(context.Context) (float64, error) {
		i++
		return values[i%len(values)], nil
	}
}

func TestTakeIsTheMedianOfTheRoundsRatios(t *testing.T) {
	row := Row{What: "x", Ours: fixed(99, 2, 4, 60), Base: fixed(1, 2, 2, 2), Target: 2, Rounds: 3}
	got := Take(t.Context(), row)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	if got.OursMedian != 4 || got.BaseMedian != 2 || got.Ratio != 2 || got.Low != 1 || got.High != 30 || !got.Met() {
		t.Errorf("got %+v, want medians 4 and 2, ratio 2 (1 to 30)", got)
	}
}

func TestTakeNamesTheRowThatFails(t *testing.T) {
	broken := func(context.Context) (float64, error) { return 0, errors.New("no peer") }
	for _, row := range []Row{{What: "r", Ours: broken, Base: fixed(1)}, {What: "r", Ours: fixed(1), Base: broken}} {
		got := Take(t.Context(), row)
		if got.Err == nil || !strings.Contains(got.Err.Error(), `measure "r": no peer`) || got.Met() {
			t.Errorf("error %v, met %t, want it to name the row and the reason, and no target met", got.Err, got.Met())
		}
	}
}

func TestPrintSaysWhetherATargetIsMet(t *testing.T) {
	var out bytes.Buffer
	results := []Result{
		{Row: Row{What: "allocs", Unit: "per event", Ours: fixed(1), Target: 2, AtMost: true}, OursMedian: 1, Ratio: 1},
		{Row: Row{What: "speed", Peer: "stock", Unit: "events/CPU s", Ours: fixed(1), Base: fixed(1), Target: 2.5}, OursMedian: 300, BaseMedian: 150, Ratio: 2, Low: 1.9, High: 2.1},
	}
	if err := Print(&out, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"≤ 2 met", "150 stock", "2.00 (1.90 to 2.10)", "≥ 2.5 missed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestPrintShowsARowThatFailedAmongTheOthers(t *testing.T) {
	var out bytes.Buffer
	results := []Result{
		{Row: Row{What: "broken", Unit: "ms", Ours: fixed(1), Target: 2}, Err: errors.New("2 requests failed")},
		{Row: Row{What: "allocs", Unit: "per event", Ours: fixed(1), Target: 2, AtMost: true}, OursMedian: 1, Ratio: 1},
	}
	if err := Print(&out, results); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "failed") || !strings.Contains(lines[2], "met") || lines[3] != "2 requests failed" {
		t.Errorf("got:\n%s", &out)
	}
}
