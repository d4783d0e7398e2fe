package answer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Problem types registered by draft-ietf-httpapi-ratelimit-headers-10, section 6.
const (
	quotaExceeded   = "https://iana.org/assignments/http-problem-types#quota-exceeded"
	reducedCapacity = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
)

const busy = "Request cannot be satisfied due to temporary server capacity constraints"

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

type problem struct {
	Type     string   `json:"type"`
	Title    string   `json:"title"`
	Status   int      `json:"status"`
	Detail   string   `json:"detail"`
	Violated []string `json:"violated-policies,omitempty"`
}

// QuotaExceeded is the body of a 429: which policies have no quota left, and
// the seconds until the request would fit.
func QuotaExceeded(violated []string, seconds int64) []byte {
	return problem{
		Type:     quotaExceeded,
		Title:    "Request cannot be satisfied as assigned quota has been exceeded",
		Status:   http.StatusTooManyRequests,
		Detail:   fmt.Sprintf("The quota of %s is used up. Try again in %s.", strings.Join(violated, ", "), wait(seconds)),
		Violated: violated,
	}.encode()
}

// Shed is the body of a 503 for load that is shed: which limits protect what is
// behind the gateway, and the seconds until the request would fit.
func Shed(violated []string, seconds int64) []byte {
	return problem{
		Type:     reducedCapacity,
		Title:    busy,
		Status:   http.StatusServiceUnavailable,
		Detail:   fmt.Sprintf("%s keeps load from what is behind the gateway. Try again in %s.", strings.Join(violated, ", "), wait(seconds)),
		Violated: violated,
	}.encode()
}

// Unavailable is the body of a 503: the limits cannot be checked, and the
// gateway is told to admit nothing that it cannot check.
func Unavailable(seconds int64) []byte {
	return problem{
		Type:   reducedCapacity,
		Title:  busy,
		Status: http.StatusServiceUnavailable,
		Detail: fmt.Sprintf("Quotas cannot be checked at the moment. Try again in %s.", wait(seconds)),
	}.encode()
}

func wait(seconds int64) string {
	if seconds == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", seconds)
}

// encode cannot fail: a problem holds strings and a number.
func (p problem) encode() []byte {
	body, _ := json.Marshal(p)
	return body
}
