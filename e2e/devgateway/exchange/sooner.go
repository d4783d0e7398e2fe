package exchange

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Where a service sends a Deprecation or a Sunset beside the gateway's, the maps of
// deploy/kong/gatehouse-sunset.conf choose one. These are the same choices.

var (
	ourDeprecation = regexp.MustCompile(`^(@\d+), `)
	deprecations   = regexp.MustCompile(`^(@\d{1,15}), (@\d{1,15})$`)
	ourSunset      = regexp.MustCompile(`^([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT), `)
	sunsets        = regexp.MustCompile(`^([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT), ([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)$`)
)

// UseSooner sends one Deprecation and one Sunset, the earlier of two.
func (x *Exchange) UseSooner() {
	x.useSooner("Deprecation", deprecations, ourDeprecation, structuredDate)
	x.useSooner("Sunset", sunsets, ourSunset, httpDate)
}

// structuredDate is one of RFC 9651, of 1970 or later.
func structuredDate(value string) (time.Time, error) {
	seconds, err := strconv.ParseInt(strings.TrimPrefix(value, "@"), 10, 64)
	return time.Unix(seconds, 0), err
}

var errBefore1970 = errors.New("before 1970")

// httpDate is one of RFC 9110, of 1970 or later. A leap second is the last one before it.
func httpDate(value string) (time.Time, error) {
	date, err := http.ParseTime(strings.Replace(value, "23:59:60", "23:59:59", 1))
	if err == nil && date.Year() < 1970 {
		err = errBefore1970
	}
	return date, err
}

func (x *Exchange) useSooner(header string, both, first *regexp.Regexp, parse func(string) (time.Time, error)) {
	sooner := func(ours, theirs string) bool {
		of, err := parse(ours)
		other, otherErr := parse(theirs)
		return err == nil && otherErr == nil && other.Before(of)
	}
	all := joined(header, x.RespHeader[header])
	if m := both.FindStringSubmatch(all); m != nil && sooner(m[1], m[2]) {
		x.Sooner = append(x.Sooner, header)
		all = m[2]
	} else if m := first.FindStringSubmatch(all); m != nil {
		all = m[1]
	}
	if all != "" {
		x.RespHeader[header] = []string{all}
	}
}

// serviceSooner names the headers of which the service's was the earlier.
func (x *Exchange) serviceSooner() string { return strings.Join(x.Sooner, ",") }
