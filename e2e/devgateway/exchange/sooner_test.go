package exchange

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	ourDate = "@1659578233"
	ourEnd  = "Wed, 30 Jun 2027 00:00:00 GMT"
)

// sent is what a client gets of a header where the gateway's value is ours, or empty, and
// the service sends lines of its own.
func sent(header, ours string, lines ...string) (got []string, sooner string) {
	x := &Exchange{RespHeader: http.Header{}}
	if ours != "" {
		lines = append([]string{ours}, lines...)
	}
	x.RespHeader[header] = lines
	x.UseSooner()
	return x.RespHeader[header], x.serviceSooner()
}

func TestUseSooner(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, ours string
		lines              []string
		want, sooner       string
	}{
		{"ours alone", "Sunset", ourEnd, nil, ourEnd, ""},
		{"the service's alone", "Sunset", "", []string{"soon"}, "soon", ""},
		{"the service's is earlier", "Sunset", ourEnd, []string{"Tue, 29 Jun 2027 23:59:59 GMT"}, "Tue, 29 Jun 2027 23:59:59 GMT", "Sunset"},
		{"earlier by its month", "Sunset", ourEnd, []string{"Sat, 01 May 2027 00:00:00 GMT"}, "Sat, 01 May 2027 00:00:00 GMT", "Sunset"},
		{"earlier by its year", "Sunset", ourEnd, []string{"Fri, 31 Dec 1999 23:59:59 GMT"}, "Fri, 31 Dec 1999 23:59:59 GMT", "Sunset"},
		{"the same", "Sunset", ourEnd, []string{ourEnd}, ourEnd, ""},
		{"the service's is later", "Sunset", ourEnd, []string{"Wed, 30 Jun 2027 00:00:01 GMT"}, ourEnd, ""},
		{"the service's is no date", "Sunset", ourEnd, []string{"soon"}, ourEnd, ""},
		{"of a month that there is not", "Sunset", ourEnd, []string{"Wed, 30 Foo 2021 00:00:00 GMT"}, ourEnd, ""},
		{"of a day of the week that there is not", "Sunset", ourEnd, []string{"Xyz, 30 Jun 2021 00:00:00 GMT"}, ourEnd, ""},
		{"of a day and a time that there are not", "Sunset", ourEnd, []string{"Wed, 99 Jun 2021 99:00:00 GMT"}, ourEnd, ""},
		{"of a day that the month has not", "Sunset", ourEnd, []string{"Wed, 31 Jun 2021 00:00:00 GMT"}, ourEnd, ""},
		{"of a day that the year has not", "Sunset", ourEnd, []string{"Tue, 29 Feb 2022 00:00:00 GMT"}, ourEnd, ""},
		{"on a leap day", "Sunset", ourEnd, []string{"Thu, 29 Feb 2024 00:00:00 GMT"}, "Thu, 29 Feb 2024 00:00:00 GMT", "Sunset"},
		{"in a leap second", "Sunset", ourEnd, []string{"Sat, 31 Dec 2016 23:59:60 GMT"}, "Sat, 31 Dec 2016 23:59:60 GMT", "Sunset"},
		{"in a second 60 of any minute", "Sunset", ourEnd, []string{"Sat, 31 Dec 2016 12:00:60 GMT"}, ourEnd, ""},
		{"before dates count", "Sunset", ourEnd, []string{"Wed, 31 Dec 1969 23:59:59 GMT"}, ourEnd, ""},
		{"the service has two", "Sunset", ourEnd, []string{"Tue, 29 Jun 2027 23:59:59 GMT", "Mon, 28 Jun 2027 00:00:00 GMT"}, ourEnd, ""},
		{"deprecated earlier", "Deprecation", ourDate, []string{"@1659578232"}, "@1659578232", "Deprecation"},
		{"deprecated later", "Deprecation", ourDate, []string{"@1659578234"}, ourDate, ""},
		{"deprecated earlier, in fewer digits", "Deprecation", ourDate, []string{"@999999999"}, "@999999999", "Deprecation"},
		{"deprecated since 1970", "Deprecation", ourDate, []string{"@0"}, "@0", "Deprecation"},
		{"deprecated before dates count", "Deprecation", ourDate, []string{"@-1"}, ourDate, ""},
		{"deprecated later, in more digits", "Deprecation", ourDate, []string{"@10000000000"}, ourDate, ""},
		{"ours has fewer digits", "Deprecation", "@999999999", []string{"@1659578233"}, "@999999999", ""},
		{"more digits than there are", "Deprecation", ourDate, []string{"@0000000000000001"}, ourDate, ""},
		{"of the drafts before RFC 9745", "Deprecation", ourDate, []string{"true"}, ourDate, ""},
		{"a date of those", "Deprecation", ourDate, []string{"Sun, 11 Nov 2018 23:59:59 GMT"}, ourDate, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, sooner := sent(tt.header, tt.ours, tt.lines...)
			if !slices.Equal(got, []string{tt.want}) || sooner != tt.sooner {
				t.Errorf("%s: %q, of which the service's is the earlier: %q; want %s and %q", tt.header, got, sooner, tt.want, tt.sooner)
			}
		})
	}
}

// TestStructuredDatesOfServices: whatever a service sends as its Deprecation, of the HTTP
// working group's test vectors (https://github.com/httpwg/structured-field-tests,
// date.json), one Item is what the client gets (RFC 9745), and never a later date.
func TestStructuredDatesOfServices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../plugins/sunsetheaders/lifecycle/testdata/structured-fields/date.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name string   `json:"name"`
		Raw  []string `json:"raw"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 15 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	item := regexp.MustCompile(`^@[0-9]{1,15}$`)
	for _, v := range vectors {
		for name, lines := range map[string][]string{"as it is": v.Raw, "twice": append(v.Raw, v.Raw...), "with a parameter": {strings.Join(v.Raw, "") + ";a=1"}} {
			got, _ := sent("Deprecation", ourDate, lines...)
			if len(got) != 1 || !item.MatchString(got[0]) || later(t, got[0], ourDate) {
				t.Errorf("%s, %s: %q", v.Name, name, got)
			}
		}
	}
}

// later compares two Deprecations.
func later(t *testing.T, a, b string) bool {
	t.Helper()
	of, err := structuredDate(a)
	other, otherErr := structuredDate(b)
	if err != nil || otherErr != nil {
		t.Fatal(err, otherErr)
	}
	return of.After(other)
}
