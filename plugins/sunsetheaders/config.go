package sunsetheaders

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What Kong knows the plugin by.
const (
	Name    = "sunset-headers"
	Version = "0.1.0"
	// Priority is below Kong's auth plugins, so that the caller is known.
	Priority = 850
)

// AfterSunset says what a version does once its end has come.
type AfterSunset string

// The choices for the time after the end.
const (
	// AfterSunsetGone answers 410.
	AfterSunsetGone AfterSunset = "gone"
	// AfterSunsetWarn goes on, with the headers.
	AfterSunsetWarn AfterSunset = "warn"
)

// Config is what an operator writes in kong.yaml, on the route or service of
// one API version. Get one from [Runtime.New] and call Provision before the
// first event. A date is RFC 3339: a day (2027-06-30: its first moment, UTC)
// or a time with offset (2027-06-30T12:00:00+02:00), in the years 1970 to 9999 of
// UTC; fractions of a second are cut off, as no header can say them.
type Config struct {
	_ struct{} `kong:"at_least_one_of=deprecated_at|sunset_at,whole"`

	// DeprecatedAt is when the version is, was or will be deprecated. Absent:
	// no Deprecation header. One of DeprecatedAt and SunsetAt must be there.
	DeprecatedAt string `json:"deprecated_at" kong:"shape=date" desc:"When the version is or will be deprecated (RFC 3339 date or date-time): the Deprecation header."`
	// SunsetAt is when the version ends. Absent: no Sunset header, no end.
	SunsetAt string `json:"sunset_at" kong:"shape=date" desc:"When the version ends (RFC 3339 date or date-time): the Sunset header. Not before deprecated_at."`
	// AfterSunset is what happens then. Default gone.
	AfterSunset AfterSunset `json:"after_sunset" kong:"default=gone,one_of=gone|warn" desc:"What the version does after sunset_at: gone answers 410, warn goes on with the headers."`

	// Successor is where the next version is: a URI or an absolute path.
	// {+rest} in it stands for what follows the route's path in the request's,
	// so that each resource names its own successor. It then repeats part of
	// the path in a response header, which logs may keep.
	Successor string `json:"successor" kong:"len_max=2048,shape=reference_template" desc:"URI or absolute path of the next version, as rel=successor-version; {+rest} in it is what follows the route's path."`
	// Documentation says how to cope with the deprecation.
	Documentation string `json:"documentation" kong:"len_max=2048,shape=reference" desc:"URI or absolute path of a document about the deprecation, as Link rel=deprecation."`
	// SunsetDocumentation says how to cope with the end.
	SunsetDocumentation string `json:"sunset_documentation" kong:"len_max=2048,shape=reference" desc:"URI or absolute path of a document about the end, as Link rel=sunset and as type of the problem."`
	// Policy takes the place of either document that is absent.
	Policy string `json:"policy" kong:"len_max=2048,shape=reference" desc:"URI or absolute path of the general life-cycle policy; stands in for either document that is absent."`

	// Brownouts are times before the end at which the version is switched off,
	// so that callers who read no headers notice. Overlapping ones are one.
	Brownouts []Brownout `json:"brownouts" desc:"Times before the end at which the version is switched off on purpose, so that its callers notice."`
	// BrownoutStatus is the status in a brownout. Default 503, which clients
	// know to be temporary.
	BrownoutStatus int `json:"brownout_status" kong:"default=503,one_of=410|503" desc:"Status code in a brownout: 503, or 410 to rehearse the end as it will be."`

	// Exemptions let single consumers go on after the end.
	Exemptions []Exemption `json:"exemptions" desc:"Consumers that may go on through brownouts and after the end, each until a date of its own."`

	// RouteID is the route that the configuration is of; empty for one of more routes.
	RouteID string `json:"route_id" kong:"scope"`

	runtime *Runtime
	plan    Plan
}

// Brownout is one time at which the version is switched off: from StartAt to
// EndAt, or for DurationSeconds.
type Brownout struct {
	_ struct{} `kong:"only_one_of=end_at|duration_seconds"`

	StartAt         string `json:"start_at" kong:"required,shape=date" desc:"When the brownout begins (RFC 3339 date or date-time)."`
	EndAt           string `json:"end_at" kong:"shape=date" desc:"When the brownout ends (RFC 3339 date or date-time), if duration_seconds is absent."`
	DurationSeconds int    `json:"duration_seconds" kong:"between=1|31536000" desc:"How long the brownout lasts in seconds, if end_at is absent."`
}

// Exemption lets one consumer go on until a date.
type Exemption struct {
	Consumer string `json:"consumer" kong:"required,shape=text" desc:"Username, custom_id or id of the consumer that may go on."`
	Until    string `json:"until" kong:"required,shape=date" desc:"Until when it may (RFC 3339 date or date-time); its Sunset header says so."`
}

// Provision checks the config and prepares it for events. The error lists
// every bad field, one line each; see [Config.Degrade] for what is left then.
func (c *Config) Provision() error {
	if c.AfterSunset == "" {
		c.AfterSunset = AfterSunsetGone
	}
	if c.BrownoutStatus == 0 {
		c.BrownoutStatus = http.StatusServiceUnavailable
	}
	plan, err := newPlan(c)
	c.plan = plan
	return err
}

// Degrade has a config that Provision refused pass every request, with the headers that
// are certain.
func (c *Config) Degrade(error) { c.plan.degraded = true }

// Close is the end of the config, which holds nothing that needs ending.
func (c *Config) Close() error { return nil }

// newPlan returns what is certain of a plan beside an error.
func newPlan(c *Config) (Plan, error) {
	var errs fieldErrors
	p := Plan{
		Deprecation:    errs.date("deprecated_at", c.DeprecatedAt),
		Sunset:         errs.date("sunset_at", c.SunsetAt),
		AfterSunset:    c.AfterSunset,
		BrownoutStatus: c.BrownoutStatus,
		Links:          errs.links(c),
		Exemptions:     errs.exemptions(c.Exemptions),
	}
	p.Brownouts = mergeWindows(errs.brownouts(c.Brownouts, p))
	errs.choices(c)
	errs.order(c, p)
	err := errors.Join(errs...)
	if err != nil {
		p.keepCertain(errs)
	}
	p.prepare()
	return p, err
}

// fieldErrors collects one error per bad field.
type fieldErrors []error

// about reports whether one is about a field, or one within it.
func (e fieldErrors) about(field string) bool {
	return slices.ContainsFunc(e, func(err error) bool { return strings.HasPrefix(err.Error(), field) })
}

func (e *fieldErrors) add(format string, args ...any) { *e = append(*e, fmt.Errorf(format, args...)) }

func (e *fieldErrors) choices(c *Config) {
	if c.AfterSunset != AfterSunsetGone && c.AfterSunset != AfterSunsetWarn {
		e.add("after_sunset: %q is not a choice; use gone or warn", c.AfterSunset)
	}
	if c.BrownoutStatus != http.StatusGone && c.BrownoutStatus != http.StatusServiceUnavailable {
		e.add("brownout_status: %d is not a choice; use 503 or 410", c.BrownoutStatus)
	}
}

// order checks RFC 9745 section 4: the end is not before the deprecation.
func (e *fieldErrors) order(c *Config, p Plan) {
	switch {
	case c.DeprecatedAt == "" && c.SunsetAt == "":
		e.add("deprecated_at and sunset_at: both are absent; give at least one, such as sunset_at: \"2027-06-30\"")
	case !p.Deprecation.IsZero() && !p.Sunset.IsZero() && p.Sunset.Before(p.Deprecation):
		e.add("sunset_at: %q is before deprecated_at %q, which RFC 9745 section 4 forbids; make it the same or later",
			c.SunsetAt, c.DeprecatedAt)
	}
}

// date is zero if value is absent or bad.
func (e *fieldErrors) date(field, value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	t, err := parseDate(value)
	if err != nil {
		e.add("%s: %q %w", field, value, err)
	}
	return t
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

func (e *fieldErrors) brownouts(list []Brownout, p Plan) []Window {
	windows := make([]Window, 0, len(list))
	for i, b := range list {
		field := fmt.Sprintf("brownouts[%d]", i)
		w := e.window(field, b)
		if w.Start.IsZero() || w.End.IsZero() {
			continue // reported, and nothing to compare
		}
		switch {
		case !w.End.After(w.Start):
			e.add("%s.end_at: %q is not after start_at %q; make it later", field, b.EndAt, b.StartAt)
		case !p.Sunset.IsZero() && w.End.After(p.Sunset):
			e.add("%s: it ends at %s, after sunset_at; end it by %s", field, rfc3339(w.End), rfc3339(p.Sunset))
		case w.Start.Before(p.Deprecation):
			e.add("%s.start_at: %q is before deprecated_at; start it at %s or later", field, b.StartAt, rfc3339(p.Deprecation))
		}
		windows = append(windows, w)
	}
	return windows
}

func (e *fieldErrors) window(field string, b Brownout) Window {
	if b.StartAt == "" {
		e.add("%s.start_at: it is empty; give a date-time such as 2027-05-04T10:00:00Z", field)
	}
	w := Window{Start: e.date(field+".start_at", b.StartAt), End: e.date(field+".end_at", b.EndAt)}
	switch {
	case (b.EndAt == "") == (b.DurationSeconds == 0):
		e.add("%s: give either end_at or duration_seconds, and not both", field)
	case b.DurationSeconds < 0:
		e.add("%s.duration_seconds: %d is negative; use a number above 0", field, b.DurationSeconds)
	case b.DurationSeconds > 0 && !w.Start.IsZero():
		w.End = w.Start.Add(time.Duration(b.DurationSeconds) * time.Second)
	}
	if !w.End.Before(yearEnd) {
		e.add("%s.duration_seconds: %d seconds from start_at end after the year 9999; make it shorter", field, b.DurationSeconds)
	}
	return w
}
