package onehop

import (
	"github.com/gatehousehq/gatehouse/internal/prepared"
	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// What Kong knows the plugin by.
const (
	Name    = "gatehouse"
	Version = "0.1.0"
	// Priority is tenant-rate-limit's. The limiter has no choice: above it are
	// Kong's auth plugins and acl, whose verdict it needs. The scrubber and the
	// tracer would rather run first, and do so in the rewrite phase where the
	// plugin is enabled globally.
	Priority = tenantratelimit.Priority
)

// The sections by their names in kong.yaml.
const (
	sectionScrub   = "pii_log_scrub"
	sectionTrace   = "trace_inject"
	sectionLimit   = "tenant_rate_limit"
	sectionSunset  = "sunset_headers"
	sectionVersion = "api_version"
	// sectionEvent stands in metrics and logs for what no section did.
	sectionEvent = "event"
	// sectionJournal stands in metrics for what is kept for the next process.
	sectionJournal = "journal"
)

// Config is what an operator writes in kong.yaml. Get one from [Runtime.New]. Each
// section is the configuration of the plugin of that name, and Run names those that run:
// Kong fills in the defaults of sections that are absent too, so that their being there
// says nothing.
//
// Whoever makes a section without Kong gets it from the New of the plugin's own
// Runtime.
type Config struct {
	_ struct{} `kong:"if=run contains tenant_rate_limit,at_least_one_of=tenant_rate_limit.limits|tenant_rate_limit.plans"`
	_ struct{} `kong:"if=run contains sunset_headers,at_least_one_of=sunset_headers.deprecated_at|sunset_headers.sunset_at"`
	_ struct{} `kong:"if=run contains api_version,at_least_one_of=api_version.apis"`

	// Run names the sections that run, whatever their order here.
	Run []string `json:"run" kong:"required,set,len_min=1,one_of=pii_log_scrub|trace_inject|tenant_rate_limit|sunset_headers|api_version" desc:"The sections that run; the others do nothing, whatever they say."`

	PIILogScrub     *piilogscrub.Config     `json:"pii_log_scrub" desc:"Keeps personal data out of all logs, and writes the audit record; the configuration of pii-log-scrub."`
	TraceInject     *traceinject.Config     `json:"trace_inject" desc:"Puts each request in a trace and exports the gateway's span; the configuration of trace-inject."`
	TenantRateLimit *tenantratelimit.Config `json:"tenant_rate_limit" desc:"Issues the verified identity to the upstream and limits requests; the configuration of tenant-rate-limit."`
	SunsetHeaders   *sunsetheaders.Config   `json:"sunset_headers" desc:"Announces the end of an API version and ends it; the configuration of sunset-headers."`
	APIVersion      *apiversion.Config      `json:"api_version" desc:"Negotiates the version of an API before a route is looked for, where the plugin is for all requests; the configuration of api-version."`

	// RouteID, ServiceID and ConsumerID are what the configuration is of; all empty for
	// one that is for all requests.
	RouteID    string `json:"route_id" kong:"scope"`
	ServiceID  string `json:"service_id" kong:"scope"`
	ConsumerID string `json:"consumer_id" kong:"scope"`

	runtime *Runtime
	hop     prepared.Value[*hop]
}

// forAll reports whether the configuration is for all requests.
func (c *Config) forAll() bool { return c.RouteID == "" && c.ServiceID == "" && c.ConsumerID == "" }
