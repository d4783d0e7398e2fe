package tenantratelimit

import (
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
)

// The headers that clients are sent.
const (
	headerRetryAfter      = "Retry-After"
	headerLimit           = "RateLimit"
	headerPolicy          = "RateLimit-Policy"
	headerContentType     = "Content-Type"
	headerLegacyLimit     = "X-RateLimit-Limit"
	headerLegacyRemaining = "X-RateLimit-Remaining"
	headerLegacyReset     = "X-RateLimit-Reset"
)

// hideable are the headers that a config may keep from clients.
var hideable = []string{
	headerLimit, headerPolicy, headerRetryAfter, headerLegacyLimit, headerLegacyRemaining, headerLegacyReset,
}

// unavailableFor is when to come back after a 503, in seconds: the breaker lets
// a request try Redis again after that long.
const unavailableFor = 1

// tell writes the headers, and the body of a request that is not admitted.
// Shadow limits are nobody's business but the operator's.
func (c *Config) tell(j judgement) (headers map[string][]string, body []byte) {
	h := make(map[string][]string, 8)
	c.set(h, headerPolicy, j.set.policy)
	c.set(h, headerLimit, answer.LimitField(j.standings()))
	if c.LegacyHeaders {
		c.setLegacy(h, j)
	}
	violated, wait := j.violated()
	switch {
	case j.status == statusDenied:
		body = answer.QuotaExceeded(violated, wait)
	case j.status == statusUnavailable && len(violated) > 0:
		body = answer.Shed(violated, wait)
	case j.status == statusUnavailable:
		wait = unavailableFor
		body = answer.Unavailable(wait)
	default:
		return h, nil
	}
	c.set(h, headerRetryAfter, strconv.FormatInt(wait, 10))
	h[headerContentType] = []string{problem.ContentType}
	return h, body
}

func (c *Config) set(h map[string][]string, name, value string) {
	if value != "" && !c.compiled.hidden[name] {
		h[name] = []string{value}
	}
}

func (j judgement) standings() []answer.Standing {
	list := make([]answer.Standing, 0, len(j.findings))
	for _, f := range j.findings {
		if !f.rule.limit.Shadow {
			list = append(list, answer.Standing{Name: f.rule.title, Remaining: f.Remaining, Reset: f.Reset})
		}
	}
	return list
}

// denial is the status of a request that findings deny: 503 only where every
// limit in the way is there to shed load.
func denial(findings []finding) int {
	for _, f := range findings {
		if f.violated() && f.rule.status == statusDenied {
			return statusDenied
		}
	}
	return statusUnavailable
}

// violated names the limits in the way, and the seconds until the last of them
// has room: at least 1, and no earlier than any of their resets.
func (j judgement) violated() (names []string, seconds int64) {
	var wait time.Duration
	for _, f := range j.findings {
		if f.violated() {
			names = append(names, f.rule.limit.Name)
			wait = max(wait, f.Retry, f.Reset)
		}
	}
	return names, max(1, answer.Seconds(wait))
}

// setLegacy tells about the limit in the way, or else the one with the
// smallest part of its quota left.
func (c *Config) setLegacy(h map[string][]string, j judgement) {
	var tightest *finding
	for i := range j.findings {
		f := &j.findings[i]
		if !f.rule.limit.Shadow && (tightest == nil || f.tighterThan(tightest)) {
			tightest = f
		}
	}
	if tightest == nil {
		return
	}
	c.set(h, headerLegacyLimit, strconv.FormatInt(tightest.rule.limit.Capacity(), 10))
	c.set(h, headerLegacyRemaining, strconv.FormatInt(tightest.Remaining, 10))
	c.set(h, headerLegacyReset, strconv.FormatInt(answer.Seconds(tightest.Reset), 10))
}

func (f *finding) tighterThan(g *finding) bool {
	if f.Fits != g.Fits {
		return !f.Fits
	}
	return f.Remaining*g.rule.limit.Capacity() < g.Remaining*f.rule.limit.Capacity()
}
