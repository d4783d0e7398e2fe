package lifecycle

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// Refusal is a response that the gateway makes itself.
type Refusal struct {
	Status int
	// Headers include those of the decision.
	Headers map[string][]string
	// Body is a problem (RFC 9457), as JSON.
	Body []byte
}

// details are a problem with this plugin's extension members. Those whose value is
// empty are left out.
type details struct {
	problem.Document        // its Type is about:blank, or the document about the end
	DeprecatedAt     string `json:"deprecated_at,omitempty"`
	SunsetAt         string `json:"sunset_at,omitempty"`
	Successor        string `json:"successor,omitempty"`
	// RetryAt is when the caller is let in again, and is left out where that is never.
	RetryAt string `json:"retry_at,omitempty"`
}

// gone refuses a request that came after the end.
func (p *Plan) gone(headers map[string][]string, sunset time.Time, caller *Caller) *Refusal {
	facts := p.facts(sunset, caller)
	facts.Status = http.StatusGone
	facts.Detail = sentences(p.past(sunset), p.advice(facts.Successor))
	return facts.refusal("API version has ended", headers)
}

// brownout refuses a request in a brownout before the end. It says when the caller is let in
// again, if that is ever.
func (p *Plan) brownout(headers map[string][]string, now time.Time, caller *Caller) *Refusal {
	facts := p.facts(p.Sunset, caller)
	facts.Status = p.BrownoutStatus
	var retryAfter []string
	off := "This API version is switched off"
	if again, ok := p.letIn(now, caller); ok {
		facts.RetryAt = RFC3339(again)
		off += " until " + facts.RetryAt
		retryAfter = []string{"Retry-After", strconv.FormatInt(int64((again.Sub(now)+time.Second-1)/time.Second), 10)}
	}
	facts.Detail = sentences(off+" on purpose, so that its callers notice that it is going to end", p.future(), p.advice(facts.Successor))
	return facts.refusal("API version is in a brownout", headers, retryAfter...)
}

func (p *Plan) facts(sunset time.Time, caller *Caller) details {
	facts := details{Successor: p.link(relSuccessor, caller.Rest)}
	facts.Type = p.link(relSunset, caller.Rest)
	if !p.Deprecation.IsZero() {
		facts.DeprecatedAt = RFC3339(p.Deprecation)
	}
	if !sunset.IsZero() {
		facts.SunsetAt = RFC3339(sunset)
	}
	return facts
}

func (p *Plan) past(sunset time.Time) string {
	if p.Deprecation.IsZero() {
		return fmt.Sprintf("This API version ended at %s", RFC3339(sunset))
	}
	return fmt.Sprintf("This API version was deprecated at %s and ended at %s", RFC3339(p.Deprecation), RFC3339(sunset))
}

func (p *Plan) future() string {
	if p.Sunset.IsZero() {
		return ""
	}
	return fmt.Sprintf("It ends at %s", RFC3339(p.Sunset))
}

func (p *Plan) advice(successor string) string {
	if successor == "" {
		return ""
	}
	return "Use " + successor + " instead"
}

func sentences(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(part + ".")
	}
	return b.String()
}

// refusal completes d. Without a document as its type, the title must be the
// status's own (RFC 9457 section 4.2.1). No cache may keep it: another caller
// may be exempt, and a brownout ends.
func (d details) refusal(title string, headers map[string][]string, more ...string) *Refusal {
	d.Title = title
	if d.Type == "" {
		d.Type, d.Title = "about:blank", http.StatusText(d.Status)
	}
	more = append(more, "Content-Type", problem.ContentType, "Cache-Control", "no-store")
	return &Refusal{Status: d.Status, Headers: withHeaders(headers, more...), Body: problem.Encode(d)}
}
