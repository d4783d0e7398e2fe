package sunsetheaders

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/internal/prepared"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// What Kong knows the plugin by.
const (
	Name    = "sunset-headers"
	Version = "0.1.0"
	// Priority is below Kong's auth plugins, so that the caller is known.
	Priority = 850
)

// Config is what an operator writes in kong.yaml, on the route or service of
// one API version. Get one from [Runtime.New]. A date is RFC 3339: a day
// (2027-06-30: its first moment, UTC) or a time with offset
// (2027-06-30T12:00:00+02:00), in the years 1970 to 9999 of UTC; fractions of a second
// are cut off, as no header can say them.
type Config struct {
	_ struct{} `kong:"at_least_one_of=deprecated_at|sunset_at,whole"`

	// DeprecatedAt is when the version is, was or will be deprecated. Absent:
	// no Deprecation header. One of DeprecatedAt and SunsetAt must be there.
	DeprecatedAt string `json:"deprecated_at" kong:"shape=date" desc:"When the version is or will be deprecated (RFC 3339 date or date-time): the Deprecation header."`
	// SunsetAt is when the version ends. Absent: no Sunset header, no end.
	SunsetAt string `json:"sunset_at" kong:"shape=date" desc:"When the version ends (RFC 3339 date or date-time): the Sunset header. Not before deprecated_at."`
	// AfterSunset is what happens then. Default gone.
	AfterSunset lifecycle.AfterSunset `json:"after_sunset" kong:"default=gone,one_of=gone|warn|redirect" desc:"What the version does after sunset_at: gone answers 410, warn goes on with the headers, redirect answers 308 to the successor where the request allows it, and else 410."`
	// RedirectMethods are the methods that mean the same at the successor. A body keeps
	// its old shape, so those that have one are for whoever knows. Default GET and HEAD.
	RedirectMethods []string `json:"redirect_methods" kong:"set,len_min=1,one_of=GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS,default=[\"GET\",\"HEAD\"]" desc:"Methods that after_sunset: redirect sends to the successor; all others are answered with 410."`

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
	// BrownoutSchedules are brownouts that come back and grow.
	BrownoutSchedules []BrownoutSchedule `json:"brownout_schedules" kong:"len_max=10" desc:"Brownouts that come back at one time of the day, such as weekly for an hour and then for half a day."`
	// BrownoutShares are brownouts of some calls only, of more and more. Who is out is out
	// for a whole minute, on all nodes: to try again at once is of no use.
	BrownoutShares []BrownoutShare `json:"brownout_shares" kong:"len_max=10" desc:"Times in which a growing share of calls is browned out, by consumer and minute."`
	// BrownoutStatus is the status in a brownout. Default 503, which clients
	// know to be temporary.
	BrownoutStatus int `json:"brownout_status" kong:"default=503,one_of=410|503" desc:"Status code in a brownout: 503, or 410 to rehearse the end as it will be."`

	// DryRun has nobody refused: the headers are there, and metrics and audit records say
	// what would have been.
	DryRun bool `json:"dry_run" kong:"default=false" desc:"Whether to refuse nobody, and only count and note what would have been refused."`

	// Exemptions let single consumers go on after the end.
	Exemptions []Exemption `json:"exemptions" desc:"Consumers that may go on through brownouts and after the end, each until a date of its own."`

	// Observe has it kept in Redis who calls. Without it no request is read for that.
	Observe bool `json:"observe" kong:"default=false" desc:"Whether it is kept in Redis who still calls the version, for gatehouse sunset report. It is personal data: 90 days after the end it is gone."`
	// Redis is where.
	Redis Redis `json:"redis" desc:"Where it is kept, with observe."`
	// Identity says which tenant calls.
	Identity Identity `json:"identity" desc:"Which tenant a verified token names, with observe. Without a token it is the consumer's custom_id."`

	// RouteID is the route that the configuration is of; empty for one of more routes.
	RouteID string `json:"route_id" kong:"scope"`

	runtime   *Runtime
	announcer prepared.Value[*Announcer]
}

// Brownout is one time at which the version is switched off: from StartAt to
// EndAt, or for DurationSeconds.
type Brownout struct {
	_ struct{} `kong:"only_one_of=end_at|duration_seconds"`

	StartAt         string `json:"start_at" kong:"required,shape=date" desc:"When the brownout begins (RFC 3339 date or date-time)."`
	EndAt           string `json:"end_at" kong:"shape=date" desc:"When the brownout ends (RFC 3339 date or date-time), if duration_seconds is absent."`
	DurationSeconds int    `json:"duration_seconds" kong:"between=1|31536000" desc:"How long the brownout lasts in seconds, if end_at is absent."`
}

// BrownoutSchedule is brownouts that come back until the version ends. Without sunset_at
// there are as many as Minutes says.
type BrownoutSchedule struct {
	FirstDay  string `json:"first_day" kong:"required,shape=date" desc:"The day of the first brownout, such as 2027-05-04."`
	TimeOfDay string `json:"time_of_day" kong:"required,match=^[0-2]%d:[0-5]%d$,err=write a time from 00:00 to 23:59\\, such as 09:30" desc:"When each begins by the clocks of time_zone, such as 10:00."`
	TimeZone  string `json:"time_zone" kong:"default=UTC,len_max=64,shape=time_zone" desc:"The time zone of time_of_day, such as Europe/Berlin."`
	EveryDays int    `json:"every_days" kong:"default=7,between=1|366" desc:"Days from one brownout to the next."`
	Minutes   []int  `json:"minutes" kong:"required,len_min=1,len_max=100,between=1|10080" desc:"How long each brownout lasts, in minutes, the first first. The last of these is for all that follow until sunset_at."`
}

// BrownoutShare is a time in which more and more calls are browned out.
type BrownoutShare struct {
	StartAt     string `json:"start_at" kong:"required,shape=date" desc:"When the share begins to grow (RFC 3339 date or date-time)."`
	EndAt       string `json:"end_at" kong:"shape=date" desc:"When it has grown, and ends (RFC 3339 date or date-time); sunset_at if absent."`
	FromPercent int    `json:"from_percent" kong:"default=0,between=0|100" desc:"The share at start_at, in percent of calls."`
	ToPercent   int    `json:"to_percent" kong:"required,between=1|100" desc:"The share at end_at, in percent of calls. Not less than from_percent."`
}

// Exemption lets one consumer go on until a date.
type Exemption struct {
	Consumer string `json:"consumer" kong:"required,shape=text" desc:"Username, custom_id or id of the consumer that may go on."`
	Until    string `json:"until" kong:"required,shape=date" desc:"Until when it may (RFC 3339 date or date-time); its Sunset header says so."`
}

// Redis says where it is kept who calls.
type Redis struct {
	URL       string `json:"url" kong:"referenceable,encrypted,len_max=4096,shape=redis_url" desc:"The Redis: redis://, rediss:// (TLS) or unix://, as tenant-rate-limit takes it. The REDIS_URL of the plugin server if absent."`
	KeyPrefix string `json:"key_prefix" kong:"default=gatehouse,len_min=1,len_max=64,match=^[%w_.:-]+$,err=write 1 to 64 letters\\, digits\\, or any of _ . : -" desc:"What every Redis key of this plugin begins with."`
}

// Identity is how a tenant is found. In one hop it is tenant_rate_limit's.
type Identity struct {
	TenantClaim string `json:"tenant_claim" kong:"default=tenant,len_min=1,len_max=256,shape=text" desc:"The claim of the verified token that names the tenant, by its exact name."`
}

// Provision checks the config and prepares it for events. The error lists
// every bad field, one line each; see [Config.Degrade] for what is left then.
func (c *Config) Provision() error {
	return c.announcer.Provision(c.newAnnouncer)
}

// Announcer is what the config does. On a server that calls no Provision, as go-pdk's
// own, the first event does.
func (c *Config) Announcer() *Announcer {
	return c.announcer.Get(c.newAnnouncer, func(_ *Announcer, err error) {
		c.runtime.logger.Error("the config has mistakes in it", "plugin", Name, "error", err)
	})
}

// Degrade has a config that could not be decoded, or that Provision refused, pass every
// request, with the headers that are certain.
func (c *Config) Degrade(error) {
	_ = c.Provision() // which says what Degrade was told
	c.announcer.Made().plan.Degraded = true
}

// Warnings are what is no mistake of the version's life, and no good: callers that are to be
// kept, and nowhere to keep them.
func (c *Config) Warnings() []error {
	if !c.Observe {
		return nil
	}
	if _, err := c.runtime.recorder(c.Redis); err != nil {
		return []error{fmt.Errorf("%w; nothing is kept of who calls", err)}
	}
	return nil
}

// Close is the end of the config, which holds nothing that needs ending.
func (c *Config) Close() error { return nil }
