package requesttimeout_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines []string
		want  time.Duration
		bad   bool
	}{
		"missing":          {nil, 0, false},
		"milliseconds":     {[]string{"1600"}, 1600 * time.Millisecond, false},
		"one":              {[]string{"1"}, time.Millisecond, false},
		"leading zeros":    {[]string{"00000007"}, 7 * time.Millisecond, false},
		"the largest":      {[]string{"99999999"}, 99_999_999 * time.Millisecond, false},
		"nine digits":      {[]string{"100000000"}, 0, true},
		"more than an int": {[]string{"99999999999999999999"}, 0, true},
		"zero":             {[]string{"0"}, 0, true},
		"zeros":            {[]string{"00000000"}, 0, true},
		"negative":         {[]string{"-1"}, 0, true},
		"a plus":           {[]string{"+1"}, 0, true},
		"a fraction":       {[]string{"1.5"}, 0, true},
		"gRPC's units":     {[]string{"100m"}, 0, true},
		"text":             {[]string{"soon"}, 0, true},
		"empty":            {[]string{""}, 0, true},
		"spaces":           {[]string{" 5"}, 0, true},
		"other scripts":    {[]string{"٥"}, 0, true},
		"a list":           {[]string{"5, 6"}, 0, true},
		"two lines":        {[]string{"5", "5"}, 0, true},
		"a long text":      {[]string{"9999999999999999999999999999999999999999999999999999999999999999"}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := requesttimeout.Read(http.Header{requesttimeout.Header: tc.lines})
			if got != tc.want || (err != nil) != tc.bad {
				t.Errorf("Read(%q) = %v, %v, want %v and an error: %t", tc.lines, got, err, tc.want, tc.bad)
			}
			if err != nil && len(err.Error()) > 150 {
				t.Errorf("the error has %d bytes: %v", len(err.Error()), err)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		1500 * time.Millisecond:  "1500",
		1999 * time.Microsecond:  "1",
		time.Microsecond:         "1",
		-time.Second:             "1",
		365 * 24 * time.Hour:     "99999999",
		99_999_999 * time.Second: "99999999",
	} {
		h := http.Header{requesttimeout.Header: {"7", "8"}}
		requesttimeout.Write(h, left)
		if got := h.Values("request-timeout"); len(got) != 1 || got[0] != want {
			t.Errorf("Write(%v) wrote %q, want %q", left, got, want)
		}
	}
}

// FuzzRead: what is read is in bounds, and what is written is read again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"1600", "0", "-1", "soon", "100000000", "1e3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := requesttimeout.Read(http.Header{requesttimeout.Header: {value}})
		if err != nil {
			if got != 0 {
				t.Errorf("%q: %v and %v", value, got, err)
			}
			return
		}
		if got < time.Millisecond || got > 28*time.Hour {
			t.Errorf("%q is %v", value, got)
		}
		h := http.Header{}
		requesttimeout.Write(h, got)
		if again, err := requesttimeout.Read(h); err != nil || again != got {
			t.Errorf("%q: wrote %v, read %v, %v", value, got, again, err)
		}
	})
}
