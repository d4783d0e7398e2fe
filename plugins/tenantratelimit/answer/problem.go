package answer

import (
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

// QuotaExceeded is the body of a 429: which policies have no quota left, and
// the seconds until the request would fit.
func QuotaExceeded(violated []string, seconds int64) []byte {
	return problem.Encode(refused{problem.Document{
		Type:   quotaExceeded,
		Title:  "Request cannot be satisfied as assigned quota has been exceeded",
		Status: http.StatusTooManyRequests,
		Detail: fmt.Sprintf("The quota of %s is used up. Try again in %s.", strings.Join(violated, ", "), wait(seconds)),
	}, violated})
}

// Shed is the body of a 503 for load that is shed: which limits protect what is
// behind the gateway, and the seconds until the request would fit.
func Shed(violated []string, seconds int64) []byte {
	return problem.Encode(refused{reduced(
		"%s keeps load from what is behind the gateway. Try again in %s.", strings.Join(violated, ", "), wait(seconds)), violated})
}

// Unavailable is the body of a 503: the limits cannot be checked, and the
// gateway is told to admit nothing that it cannot check.
func Unavailable(seconds int64) []byte {
	return problem.Encode(reduced("Quotas cannot be checked at the moment. Try again in %s.", wait(seconds)))
}

func reduced(format string, args ...any) problem.Document {
	return problem.Document{
		Type:   reducedCapacity,
		Title:  "Request cannot be satisfied due to temporary server capacity constraints",
		Status: http.StatusServiceUnavailable,
		Detail: fmt.Sprintf(format, args...),
	}
}

func wait(seconds int64) string {
	if seconds == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", seconds)
}
