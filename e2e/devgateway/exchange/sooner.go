package exchange

import (
	"net/http"
	"regexp"
	"strings"
)

// Where a service sends a Deprecation or a Sunset beside the gateway's, the maps of
// deploy/kong/gatehouse-sunset.conf choose one. These are the same choices.

var (
	ourDeprecation = regexp.MustCompile(`^(@\d+), `)
	deprecations   = regexp.MustCompile(`^(@\d{10}), (@\d{10})$`)
	ourSunset      = regexp.MustCompile(`^([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT), `)
	sunsets        = regexp.MustCompile(`^([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT), ([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)$`)
)

// UseSooner sends one Deprecation and one Sunset, the earlier of two.
func (x *Exchange) UseSooner() {
	x.useSooner("Deprecation", deprecations, ourDeprecation, func(ours, theirs string) bool { return theirs < ours })
	x.useSooner("Sunset", sunsets, ourSunset, func(ours, theirs string) bool {
		of, err := http.ParseTime(ours)
		other, otherErr := http.ParseTime(theirs)
		return err == nil && otherErr == nil && other.Before(of)
	})
}

func (x *Exchange) useSooner(header string, both, first *regexp.Regexp, sooner func(ours, theirs string) bool) {
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
