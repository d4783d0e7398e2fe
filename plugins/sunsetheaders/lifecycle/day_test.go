package lifecycle

import (
	"slices"
	"strings"
	"testing"
)

// TestParseDay: what it says to write is taken.
func TestParseDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, says string }{
		{"2027-12-15", ""},
		{"2027-12-15T10:00:00Z", "has a time in it; write the day only, such as 2027-12-15"},
		{"2027-12-15 10:00", "has a time in it; write the day only, such as 2027-12-15"},
		{"2027-12-15T10:00", "has a time in it; write the day only, such as 2027-12-15"},
		{"1828828801", "has a time in it; write the day only, such as 2027-12-15"},
		{"15.12.2027", "is not how RFC 3339 writes a date; write 2027-12-15"},
		{"1/2/2027", "write 2027-02-01 or 2027-01-02"},
		{"12027-01-02", "write a date such as 2027-06-30"},
		{"2027-02-31", "is not a day; write one such as 2027-06-30"},
		{"2027-12-15T10:00:60Z", "is not a day; write one such as 2027-06-30"},
		{"soon", "is not a day; write one such as 2027-06-30"},
		{"", "is not a day; write one such as 2027-06-30"},
	} {
		day, err := ParseDay(tt.text)
		switch {
		case tt.says == "" && (err != nil || day.IsZero()):
			t.Errorf("%q: %s, error %v", tt.text, day, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%q: error %v, want %s", tt.text, err, tt.says)
		}
	}
}

func TestDaysOfYear(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"15.12.": {"12-15"}, "15.12": {"12-15"}, "Dec 15": {"12-15"}, "15. December": {"12-15"}, "december 15": {"12-15"}, "1-6": {"01-06"}, "--12-15": {"12-15"},
		"12/15": {"12-15"}, "6/1": {"01-06", "06-01"}, "1/1": {"01-01"}, "2027-12-15": nil, "Christmas": nil, "31.2.": nil, "": nil,
	} {
		if got := DaysOfYear(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzParseDay(f *testing.F) {
	f.Add("2027-12-15 10:00")
	f.Add("Dec 15")
	f.Fuzz(func(t *testing.T, text string) {
		day, err := ParseDay(text)
		if err == nil && day.Format("2006-01-02") != text {
			t.Errorf("%q is %s", text, day)
		}
		if err != nil && strings.Contains(err.Error(), ":00") {
			t.Errorf("%q: it says to write a time: %v", text, err)
		}
		for _, day := range DaysOfYear(text) {
			if again := DaysOfYear(day); !slices.Equal(again, []string{day}) {
				t.Errorf("%q means %q, and that %q", text, day, again)
			}
		}
	})
}
