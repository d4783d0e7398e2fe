package quota

import (
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/answer"
)

// The headers that clients are sent. A config may hide all but the last.
const (
	headerRetryAfter      = "Retry-After"
	headerLimit           = "RateLimit"
	headerPolicy          = "RateLimit-Policy"
	headerLegacyLimit     = "X-RateLimit-Limit"
	headerLegacyRemaining = "X-RateLimit-Remaining"
	headerLegacyReset     = "X-RateLimit-Reset"
	headerContentType     = "Content-Type"
	headerChallenge       = "WWW-Authenticate"
)

// unavailableFor is when to come back after a 503, in seconds: the breaker lets
// a request try Redis again after that long.
const unavailableFor = 1

// upstreamHeaders is the change to the upstream request's headers.
func (d *Decider) upstreamHeaders(p *identity.Principal, req *Request, plan string) map[string][]string {
	foreign := req.Seen.Foreign(p.Authenticated, req.Consumer.ID != "")
	return identity.Upstream(*p, plan, d.settings.Issue, foreign)
}

// responseHeaders are what the client is told, and the body of a request that is not
// admitted. Shadow limits are nobody's business but the operator's.
func (d *Decider) responseHeaders(e *evaluation) (headers map[string][]string, body []byte) {
	h := make(map[string][]string, 8)
	d.set(h, headerPolicy, e.rules.policy)
	d.set(h, headerLimit, answer.LimitField(e.standings()))
	if d.settings.LegacyHeaders {
		d.setLegacy(h, e.tightest())
	}
	violated, wait := e.violated()
	switch {
	case e.status == statusDenied:
		body = answer.QuotaExceeded(violated, wait, e.told(d.settings.Problem))
	case e.status == statusUnavailable && len(violated) > 0:
		body = answer.Shed(violated, wait, e.told(d.settings.Problem))
	case e.status == statusUnavailable:
		wait = unavailableFor
		body = answer.Unavailable(wait)
	default:
		return h, nil
	}
	if wait > 0 {
		d.set(h, headerRetryAfter, strconv.FormatInt(wait, 10))
	}
	h[headerContentType] = []string{problem.ContentType}
	return h, body
}

func (d *Decider) set(h map[string][]string, name, value string) {
	if value != "" && !d.hidden[name] {
		h[name] = []string{value}
	}
}

func (e *evaluation) standings() []answer.Standing {
	list := make([]answer.Standing, 0, len(e.results))
	for _, r := range e.results {
		if !r.rule.limit.Shadow {
			list = append(list, answer.Standing{Name: r.rule.title, Remaining: r.Remaining, Reset: r.Reset, Blocked: r.rule.limit.Blocks()})
		}
	}
	return list
}

// violated names the limits in the way, and the seconds until the last of them
// has room: at least 1, and no earlier than any of their resets; 0 where one is of 0, and
// waiting does not help.
func (e *evaluation) violated() (names []string, seconds int64) {
	var wait time.Duration
	blocked := false
	for _, r := range e.results {
		if r.denies() {
			names = append(names, r.rule.limit.Name)
			wait = max(wait, r.Retry, r.Reset)
			blocked = blocked || r.rule.limit.Blocks()
		}
	}
	if blocked {
		return names, 0
	}
	return names, max(1, answer.Seconds(wait))
}

// told is the operator's own words to the client, with those of the first limit in the way
// that has any before the config's.
func (e *evaluation) told(own answer.Own) answer.Own {
	for _, r := range e.results {
		if r.denies() && r.rule.message != "" {
			own.Message = r.rule.message
			break
		}
	}
	return own
}

// setLegacy tells about one limit, if there is one.
func (d *Decider) setLegacy(h map[string][]string, r *result) {
	if r == nil {
		return
	}
	d.set(h, headerLegacyLimit, strconv.FormatInt(r.rule.limit.Capacity(), 10))
	d.set(h, headerLegacyRemaining, strconv.FormatInt(r.Remaining, 10))
	if !r.rule.limit.Blocks() {
		d.set(h, headerLegacyReset, strconv.FormatInt(answer.Seconds(r.Reset), 10))
	}
}

// tightest is the limit in the way, or else the one with the smallest part of its
// quota left; nil if all are shadows.
func (e *evaluation) tightest() (tightest *result) {
	for i := range e.results {
		r := &e.results[i]
		if !r.rule.limit.Shadow && (tightest == nil || r.tighterThan(tightest)) {
			tightest = r
		}
	}
	return tightest
}

func (r *result) tighterThan(other *result) bool {
	if r.Fits != other.Fits {
		return !r.Fits
	}
	return r.Remaining*other.rule.limit.Capacity() < other.Remaining*r.rule.limit.Capacity()
}
