package lifecycle

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestStructuredDateVectors writes the dates of the HTTP working group's test
// vectors (https://github.com/httpwg/structured-field-tests, date.json).
func TestStructuredDateVectors(t *testing.T) {
	t.Parallel()
	var vectors []struct {
		Name      string          `json:"name"`
		Raw       []string        `json:"raw"`
		Canonical []string        `json:"canonical"`
		Expected  json.RawMessage `json:"expected"`
		MustFail  bool            `json:"must_fail"`
	}
	text, err := os.ReadFile("testdata/structured-fields/date.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, v := range vectors {
		if v.MustFail {
			continue
		}
		written++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var item []json.RawMessage
			var date struct {
				Value int64 `json:"value"`
			}
			if err := json.Unmarshal(v.Expected, &item); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(item[0], &date); err != nil {
				t.Fatal(err)
			}
			want := v.Raw[0]
			if len(v.Canonical) > 0 {
				want = v.Canonical[0]
			}
			if got := structuredDate(time.Unix(date.Value, 0)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	if written < 5 {
		t.Errorf("only %d vectors can be written", written)
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, deprecation, sunset string }{
		{"day", "2027-06-30", "@1814313600", "Wed, 30 Jun 2027 00:00:00 GMT"},
		{"time in UTC", "2023-06-30T23:59:59Z", "@1688169599", "Fri, 30 Jun 2023 23:59:59 GMT"}, // RFC 9745's example
		{"time with offset", "2027-06-30T02:00:00+02:00", "@1814313600", "Wed, 30 Jun 2027 00:00:00 GMT"},
		{"fraction is cut off", "2027-06-30T00:00:00.999Z", "@1814313600", "Wed, 30 Jun 2027 00:00:00 GMT"},
		{"the first moment", "1970-01-01", "@0", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"the first moment elsewhere", "1970-01-01T23:59:00+23:59", "@0", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"the last day", "9999-12-31", "@253402214400", "Fri, 31 Dec 9999 00:00:00 GMT"},
		{"the last moment", "9999-12-31T23:59:59Z", "@253402300799", "Fri, 31 Dec 9999 23:59:59 GMT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			date, err := ParseDate(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := structuredDate(date); got != tt.deprecation {
				t.Errorf("Deprecation: %s, want %s", got, tt.deprecation)
			}
			if got := httpDate(date); got != tt.sunset {
				t.Errorf("Sunset: %s, want %s", got, tt.sunset)
			}
		})
	}
}

// TestParseDateRefuses: what RFC 3339 does not have, and what no header can say.
func TestParseDateRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"2027-06-30T12:00:00+24:00", "2027-06-30T12:00:00-24:00", "2027-06-30T12:00:00+23:60", "2027-06-30T24:00:00Z",
		"2027-06-30T2:00:00Z", "2027-06-30T12:00:00,5Z", "2027-06-30T12:00:00", "2027-02-29", "30 June 2027", "",
		"0000-01-01", "0001-01-01", "0001-01-01T00:00:00Z", "1969-12-31", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-00:01", "10000-01-01",
	} {
		if date, err := ParseDate(value); err == nil || !date.IsZero() {
			t.Errorf("%q becomes %s, error %v", value, date, err)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2027-06-30", "2027-06-30T12:00:00+02:00", "2027-06-30T24:00:00Z", "30 June 2027", "2027-02-29", "0000-01-01", "9999-12-31T23:59:59-23:59", "2027-06-30T12:00:00+24:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		date, err := ParseDate(value)
		if err != nil {
			return
		}
		again, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", httpDate(date))
		if err != nil || !again.Equal(date) || date.IsZero() || date.Unix() < 0 {
			t.Fatalf("%q becomes %s, which is read as %s, %v", value, httpDate(date), again, err)
		}
		if !strings.HasPrefix(structuredDate(date), "@") || date.Nanosecond() != 0 {
			t.Fatalf("%q becomes %s with %d ns", value, structuredDate(date), date.Nanosecond())
		}
	})
}
