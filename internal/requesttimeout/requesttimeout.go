// Package requesttimeout has the header that tells the next hop how long its caller
// waits. It is the idea of gRPC's grpc-timeout ("gRPC over HTTP/2", Requests), whose
// bounds it has, in one unit.
package requesttimeout

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Header is how long the caller waits for the answer from when it sent the request: whole
// milliseconds, 1 to 8 ASCII digits that are not all 0.
const Header = "Request-Timeout"

// maxDigits bounds a value to what gRPC's TimeoutValue may be: 27 hours.
const maxDigits = 8

// Read is what h says, 0 if it says nothing. A value that is none (0, a sign, a fraction,
// a unit, nine digits, two lines) is an error: treat it as if the header were missing.
func Read(h http.Header) (time.Duration, error) {
	lines := h[Header]
	switch {
	case len(lines) == 0:
		return 0, nil
	case len(lines) > 1:
		return 0, fmt.Errorf("read %s: it is there %d times: send it once", Header, len(lines))
	}
	ms, ok := parse(lines[0])
	if !ok {
		return 0, fmt.Errorf("read %s: %.32q is not 1 to %d digits over 0: send whole milliseconds", Header, lines[0], maxDigits)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func parse(text string) (ms int, ok bool) {
	if len(text) == 0 || len(text) > maxDigits {
		return 0, false
	}
	for _, digit := range []byte(text) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		ms = 10*ms + int(digit-'0')
	}
	return ms, ms > 0
}

// Write has h say that the caller waits for left, rounded down to milliseconds and into
// the bounds of a value.
func Write(h http.Header, left time.Duration) {
	const most = 99_999_999
	h[Header] = []string{strconv.FormatInt(min(max(left.Milliseconds(), 1), most), 10)}
}
