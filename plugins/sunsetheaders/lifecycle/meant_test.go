package lifecycle

import (
	"regexp"
	"strings"
	"testing"
)

// TestDatesThatPeopleWrite: each is one error, with what to write in place of it.
func TestDatesThatPeopleWrite(t *testing.T) {
	t.Parallel()
	const example = "write it as 2027-06-30 or 2027-06-30T12:00:00Z"
	tests := map[string]string{ // empty: it is accepted
		"2027-6-1": "write 2027-06-01", "2027/06/01": "write 2027-06-01", "2027.6.1": "write 2027-06-01", "20270601": "write 2027-06-01",
		"1.6.2027": "write 2027-06-01", "01.06.2027": "write 2027-06-01",
		"01/06/2027": "write 2027-06-01 or 2027-01-06", "06/30/2027": "write 2027-06-30", "30/6/2027": "write 2027-06-30", "6/6/2027": "write 2027-06-06",
		"June 1 2027": "write 2027-06-01", "June 1, 2027": "write 2027-06-01", "1 June 2027": "write 2027-06-01", "june 1 2027": "write 2027-06-01",
		"Jun 1 2027": "write 2027-06-01", "1-Jun-2027": "write 2027-06-01", "Tue, 1 Jun 2027": "write 2027-06-01",
		"Tue, 01 Jun 2027 12:00:00 GMT": "write 2027-06-01T12:00:00Z", "Tue, 01 Jun 2027 12:00:00 +0200": "write 2027-06-01T12:00:00+02:00",
		"1811808000": "write 2027-06-01T00:00:00Z", "1811808000000": "write 2027-06-01T00:00:00Z", "1811808000.5": "write 2027-06-01T00:00:00Z", "@1811808000": example,
		"2027-06-01T12:00:00": "write 2027-06-01T12:00:00Z for UTC", "2027-06-01 12:00:00": "write 2027-06-01T12:00:00Z for UTC", "2027-06-01T12:00": "write 2027-06-01T12:00:00Z for UTC",
		"2027-06-01T12:00:00 CEST": "offsets only; write 2027-06-01T12:00:00Z for UTC", "2027-06-01 12:00 Europe/Berlin": "offsets only",
		"2027-06-01 12:00:00Z": "write 2027-06-01T12:00:00Z", "2027-06-01T12:00Z": "write 2027-06-01T12:00:00Z", "2027-06-01T12:00:00+0200": "write 2027-06-01T12:00:00+02:00",
		"2027-06-01T12:00:00+02": "write 2027-06-01T12:00:00+02:00", "20270601T120000Z": "write 2027-06-01T12:00:00Z", "2027-6-1T12:00:00Z": "write 2027-06-01T12:00:00Z",
		"2027-W22-2": "write 2027-06-01", "2027W222": "write 2027-06-01", "2027-W22": "write 2027-05-31", "2026-W53-7": "write 2027-01-03", "2027-W53-1": example, "2027-W00-1": example,
		"2027-152": "write 2027-06-01", "2027-366": example,
		"2027-05-31T24:00:00Z": "write 2027-06-01T00:00:00Z", "2027-12-31T24:00:00+02:00": "write 2028-01-01T00:00:00+02:00", "2027-06-01T24:00": example, "2027-06-01T24:00:01Z": example, "2027-06-01T25:00:00Z": example,
		"2027-06-30T23:59:60Z": "", "2027-07-01T01:59:60+02:00": "", "2027-06-30T23:59:60.9Z": "",
		"2027-06-30T12:00:60Z": "second 60", "2027-06-29T23:59:60Z": "second 60", "2027-06-30T23:59:60+02:00": "second 60", "2027-06-30T23:59:61Z": example,
		"2028-02-29": "", "2027-02-29": example, "2100-02-29": example, "2000-02-29": "", "2027-06-31": example, "2027-13-01": example, "2027-00-10": example,
		"0000-01-01": "1970 to 9999", "10000-01-01": "1970 to 9999", "+010000-01-01": "1970 to 9999", "-0001-01-01": "1970 to 9999", "99999-01-01": "1970 to 9999", "-1811808000": "1970 to 9999",
		"2027-06-01t12:00:00z": "", "2027-06-01T12:00:00z": "", "2027-06-01T12:00:00-00:00": "", "2027-06-01T12:00:00.123456789Z": "",
		"2027-06-01T12:00:00.Z": example, " 2027-06-01": "write 2027-06-01", "2027-06-01T12:00:00Z\n": "write 2027-06-01T12:00:00Z",
		"tomorrow": example, "": example, "2027": example, "2027-06": example, "2027-Q2": example, "２０２７-06-01": example, "2027‑06‑01": example, "in 6 months": example, "P6M": example,
		"27-06-01": example, "06/01/27": example, "1/1/1066": example, "January 1 1066": example,
	}
	for value, want := range tests {
		date, err := ParseDate(value)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", value, err)
		case want != "" && err == nil:
			t.Errorf("%q becomes %s, want an error that says %s", value, date, want)
		case want != "" && (!strings.HasSuffix(err.Error(), want) && !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%q: %v; want %s", value, err, want)
		}
	}
}

// TestLeapSecond is the moment after it: Unix time and headers have no other.
func TestLeapSecond(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00", "2016-12-31t15:59:60-08:00"} {
		if date := day(value); RFC3339(date) != "2017-01-01T00:00:00Z" {
			t.Errorf("%s becomes %s", value, RFC3339(date))
		}
	}
}

// written finds what an error says to write. A date in it is one of the last words.
var written = regexp.MustCompile(`[0-9][0-9T:.Z+-]{9,}`)

// FuzzMeant: what an error says to write is right.
func FuzzMeant(f *testing.F) {
	for _, seed := range []string{"2027-6-1", "01/06/2027", "June 1 2027", "1811808000", "2027-W22-2", "2027-05-31T24:00:00Z", "2027-05-31 24:00z", "2027-06-01T12:00:00 CEST", "9999-12-31T24:00Z", "9999-W52-7", "1970-W01-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		_, err := ParseDate(value)
		if err == nil {
			return
		}
		for _, text := range written.FindAllString(err.Error(), -1) {
			if _, err := ParseDate(text); err != nil {
				t.Errorf("%q: it says to write %s, which %v", value, text, err)
			}
		}
	})
}
