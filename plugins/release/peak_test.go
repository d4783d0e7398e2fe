package release_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // machines without it

	"github.com/gatehousehq/gatehouse/plugins/release"
)

func TestPeak(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		peak, at string
		want     bool
	}{
		// 2026-03-27 is a Friday; summer time begins on the 29th in Berlin.
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-27T07:00:00Z", true},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-27T06:59:59Z", false},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-27T18:59:59Z", true},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-27T19:00:00Z", false},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-30T06:00:00Z", true},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-30T05:59:00Z", false},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-30T18:00:00Z", false},
		{"Mon-Fri 08:00-20:00 Europe/Berlin", "2026-03-28T10:00:00Z", false},
		// The hour that is missing, and the one that is there twice.
		{"02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false}, // 03:00 there
		{"02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true},
		{"02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true},
		{"02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z", false},
		// Into the next day: that of Friday ends on Saturday.
		{"Fri 22:00-02:00 America/New_York", "2026-07-04T05:59:00Z", true},
		{"Fri 22:00-02:00 America/New_York", "2026-07-04T06:00:00Z", false},
		{"Fri 22:00-02:00 America/New_York", "2026-07-03T05:00:00Z", false},
		{"Sat-Mon 00:00-24:00 UTC", "2026-07-05T23:59:59Z", true},
		{"Sat-Mon 00:00-24:00 UTC", "2026-07-07T00:00:00Z", false},
	} {
		p, err := release.ParsePeak(tt.peak)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Has(at); got != tt.want {
			t.Errorf("%s at %s: %t", tt.peak, tt.at, got)
		}
	}
}

func TestPeakDuring(t *testing.T) {
	t.Parallel()
	p, err := release.ParsePeak("08:00-20:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 5, 7, 50, 30, 0, time.UTC)
	if p.During(at, 9*time.Minute) || !p.During(at, 10*time.Minute) || !p.During(at, 24*time.Hour) {
		t.Error("a release that begins before the hours and runs into them")
	}
}

func TestPeakRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "need hours and a time zone",
		"08:00-20:00":              "need hours and a time zone",
		"8-20 UTC":                 "need hours and a time zone",
		"Mon-Fri 08:00-20:00 Mars": "no time zone is called Mars",
		"08:00-20:00 Local":        "no time zone is called Local",
		"Mo-Fri 08:00-20:00 UTC":   "need hours",
		"Mon-Fry 08:00-20:00 UTC":  "days are Sun",
		"24:00-20:00 UTC":          "they begin at",
		"08:61-20:00 UTC":          "they begin at",
		"08:00-24:01 UTC":          "they end at",
		"08:00-08:00 UTC":          "they end at",
	} {
		if _, err := release.ParsePeak(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "write them as") {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzPeak(f *testing.F) {
	f.Add("Mon-Fri 08:00-20:00 Europe/Berlin", int64(1_780_000_000))
	f.Fuzz(func(_ *testing.T, text string, at int64) {
		if p, err := release.ParsePeak(text); err == nil {
			p.Has(time.Unix(at, 0))
		}
	})
}
