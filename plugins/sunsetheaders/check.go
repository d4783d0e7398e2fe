package sunsetheaders

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Plan is the life that the config says, beside an error too. It needs no runtime.
func (c *Config) Plan() (*lifecycle.Plan, error) {
	defaults.Fill(c)
	return newPlan(c)
}

// newPlan returns a plan beside an error, too: one by what is certain then.
func newPlan(c *Config) (*lifecycle.Plan, error) {
	var errs fieldErrors
	t := lifecycle.Terms{
		Deprecation: errs.date("deprecated_at", c.DeprecatedAt),
		Sunset:      errs.date("sunset_at", c.SunsetAt),
		AfterSunset: c.AfterSunset, BrownoutStatus: c.BrownoutStatus,
		RedirectMethods: c.RedirectMethods, DryRun: c.DryRun,
		Successor:           errs.successor(c.Successor),
		Documentation:       errs.reference("documentation", c.Documentation),
		SunsetDocumentation: errs.reference("sunset_documentation", c.SunsetDocumentation),
		Policy:              errs.reference("policy", c.Policy),
		Exemptions:          errs.exemptions(c.Exemptions),
	}
	t.Brownouts = append(errs.brownouts(c.Brownouts, t), errs.schedules(c.BrownoutSchedules, t)...)
	t.Ramps = errs.ramps(c.BrownoutShares, t)
	errs.choices(c)
	errs.order(c, t)
	err := errors.Join(errs...)
	if err != nil {
		keepCertain(&t, errs)
	}
	return lifecycle.New(t), err
}

// keepCertain forgets what the mistakes in a config may be about. Of two dates that
// disagree neither is certain, and without its exemptions no end is: it may be another
// for the callers that they name.
func keepCertain(t *lifecycle.Terms, mistakes fieldErrors) {
	if t.Sunset.Before(t.Deprecation) && !t.Sunset.IsZero() {
		t.Deprecation, t.Sunset = time.Time{}, time.Time{}
	}
	if mistakes.about("exemptions") {
		t.Sunset, t.Exemptions = time.Time{}, nil
	}
	t.Degraded, t.Brownouts, t.Ramps = true, nil, nil
}

// fieldErrors collects one error per bad field.
type fieldErrors []error

// about reports whether one is about a field, or one within it.
func (e fieldErrors) about(field string) bool {
	return slices.ContainsFunc(e, func(err error) bool { return strings.HasPrefix(err.Error(), field) })
}

func (e *fieldErrors) add(format string, args ...any) { *e = append(*e, fmt.Errorf(format, args...)) }

func (e *fieldErrors) choices(c *Config) {
	switch c.AfterSunset {
	case lifecycle.AfterSunsetGone, lifecycle.AfterSunsetWarn:
	case lifecycle.AfterSunsetRedirect:
		e.redirect(c)
	default:
		e.add("after_sunset: %q is not a choice; use gone, warn or redirect", c.AfterSunset)
	}
	if c.BrownoutStatus != http.StatusGone && c.BrownoutStatus != http.StatusServiceUnavailable {
		e.add("brownout_status: %d is not a choice; use 503 or 410", c.BrownoutStatus)
	}
}

// redirect checks that there is somewhere to go, and that the request's own query can go
// along.
func (e *fieldErrors) redirect(c *Config) {
	switch {
	case c.Successor == "":
		e.add("successor: it is empty, and after_sunset: redirect leads there; write it, such as /v2/orders%s", lifecycle.RestVariable)
	case strings.ContainsAny(c.Successor, "?#"):
		e.add("successor: %q has a query or a fragment, and after_sunset: redirect adds the request's query; leave it out", c.Successor)
	}
}

// order checks RFC 9745 section 4: the end is not before the deprecation.
func (e *fieldErrors) order(c *Config, t lifecycle.Terms) {
	switch {
	case c.DeprecatedAt == "" && c.SunsetAt == "":
		e.add("sunset_at: it is absent, and so is deprecated_at; give at least one, such as sunset_at: \"2027-06-30\"")
	case !t.Deprecation.IsZero() && !t.Sunset.IsZero() && t.Sunset.Before(t.Deprecation):
		e.add("sunset_at: %q is before deprecated_at %q, which RFC 9745 section 4 forbids; make it the same or later",
			c.SunsetAt, c.DeprecatedAt)
	}
}

// date is zero if value is absent or bad.
func (e *fieldErrors) date(field, value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	date, err := lifecycle.ParseDate(value)
	if err != nil {
		e.add("%s: %q %w", field, value, err)
	}
	return date
}

// successor is value, or empty where the links that it makes are no references.
func (e *fieldErrors) successor(value string) string {
	if value == "" {
		return ""
	}
	good := value
	if !lifecycle.IsTemplate(value) {
		e.noReference("successor", value, ", with "+lifecycle.RestVariable+" as its only variable")
		good = ""
	}
	if strings.Contains(value, "/"+lifecycle.RestVariable) {
		e.add("successor: %q would have two slashes before the rest, which begins with one; write %s right after the last segment",
			value, lifecycle.RestVariable)
		good = ""
	}
	return good
}

// reference is value, or empty if it is no reference.
func (e *fieldErrors) reference(field, value string) string {
	if value == "" || lifecycle.IsReference(value) {
		return value
	}
	e.noReference(field, value, "")
	return ""
}

func (e *fieldErrors) noReference(field, value, hint string) {
	e.add("%s: %q is neither an http(s) URI nor an absolute path; write it as https://host/path or /path, percent-encoded, without user or password, a port from 1 to 65535%s",
		field, value, hint)
}

func (e *fieldErrors) exemptions(list []Exemption) map[string]time.Time {
	until := make(map[string]time.Time, len(list))
	for i, x := range list {
		field := fmt.Sprintf("exemptions[%d]", i)
		if x.Consumer == "" {
			e.add("%s.consumer: it is empty; name a consumer by username, custom_id or id", field)
		}
		if x.Until == "" {
			e.add("%s.until: it is empty; an exemption must end, so give a date such as 2027-09-30", field)
		}
		if _, twice := until[x.Consumer]; twice {
			e.add("%s.consumer: %q is exempted twice; keep one of the two", field, x.Consumer)
		}
		until[x.Consumer] = e.date(field+".until", x.Until)
	}
	return until
}
