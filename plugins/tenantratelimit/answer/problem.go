package answer

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// Problem types registered by draft-ietf-httpapi-ratelimit-headers-10, section 6.
const (
	quotaExceeded   = "https://iana.org/assignments/http-problem-types#quota-exceeded"
	reducedCapacity = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
)

// refused has the extension member that the draft registers with the types.
type refused struct {
	problem.Document
	Violated []string `json:"violated-policies,omitempty"`
}

// Own are an operator's own words, for what is not empty. They are the same for everybody
// and say nothing of who is asking.
type Own struct {
	// Type is a URI, and Title the same in each document of the type. Message is the detail.
	Type, Title, Message string
}

func (o Own) over(d problem.Document) problem.Document {
	d.Type, d.Title, d.Detail = cmp.Or(o.Type, d.Type), cmp.Or(o.Title, d.Title), cmp.Or(o.Message, d.Detail)
	return d
}

// QuotaExceeded is the body of a 429: which policies have no quota left, and the seconds
// until the request would fit, 0 if it never will.
func QuotaExceeded(violated []string, seconds int64, own Own) []byte {
	return problem.Encode(refused{own.over(problem.Document{
		Type:   quotaExceeded,
		Title:  "Request cannot be satisfied as assigned quota has been exceeded",
		Status: http.StatusTooManyRequests,
		Detail: detail("The quota of %s is used up.", violated, seconds),
	}), violated})
}

// Shed is the body of a 503 for load that is shed: which limits protect what is
// behind the gateway, and the seconds until the request would fit, 0 if it never will.
func Shed(violated []string, seconds int64, own Own) []byte {
	return problem.Encode(refused{own.over(reduced(
		detail("%s keeps load from what is behind the gateway.", violated, seconds))), violated})
}

// detail says what of the limits is in the way, and what the client can do.
func detail(format string, violated []string, seconds int64) string {
	names := strings.Join(violated, ", ")
	if seconds == 0 {
		return names + " admits nothing at present. Waiting does not change that."
	}
	return fmt.Sprintf(format+" Try again in %s.", names, wait(seconds))
}

// Unavailable is the body of a 503: the limits cannot be checked, and the
// gateway is told to admit nothing that it cannot check.
func Unavailable(seconds int64) []byte {
	return problem.Encode(reduced("Quotas cannot be checked at the moment. Try again in " + wait(seconds) + "."))
}

func reduced(detail string) problem.Document {
	return problem.Document{
		Type:   reducedCapacity,
		Title:  "Request cannot be satisfied due to temporary server capacity constraints",
		Status: http.StatusServiceUnavailable,
		Detail: detail,
	}
}

func wait(seconds int64) string {
	if seconds == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", seconds)
}
