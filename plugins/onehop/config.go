package onehop

import (
	"errors"
	"fmt"
	"slices"

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
	sectionScrub  = "pii_log_scrub"
	sectionTrace  = "trace_inject"
	sectionLimit  = "tenant_rate_limit"
	sectionSunset = "sunset_headers"
	// sectionEvent stands in metrics and logs for what no section did.
	sectionEvent = "event"
)

// Config is what an operator writes in kong.yaml. Get one from [Runtime.New], and
// call Provision before the first event. Each section is the configuration of the
// plugin of that name, and Run names those that run: Kong fills in the defaults of
// sections that are absent too, so that their being there says nothing.
//
// Whoever makes a section without Kong gets it from the New of the plugin's own
// Runtime.
type Config struct {
	_ struct{} `kong:"if=run contains tenant_rate_limit,at_least_one_of=tenant_rate_limit.limits|tenant_rate_limit.plans"`
	_ struct{} `kong:"if=run contains sunset_headers,at_least_one_of=sunset_headers.deprecated_at|sunset_headers.sunset_at"`

	// Run names the sections that run, whatever their order here.
	Run []string `json:"run" kong:"required,set,len_min=1,one_of=pii_log_scrub|trace_inject|tenant_rate_limit|sunset_headers" desc:"The sections that run; the others do nothing, whatever they say."`

	PIILogScrub     *piilogscrub.Config     `json:"pii_log_scrub" desc:"Keeps personal data out of all logs, and writes the audit record; the configuration of pii-log-scrub."`
	TraceInject     *traceinject.Config     `json:"trace_inject" desc:"Puts each request in a trace and exports the gateway's span; the configuration of trace-inject."`
	TenantRateLimit *tenantratelimit.Config `json:"tenant_rate_limit" desc:"Issues the verified identity to the upstream and limits requests; the configuration of tenant-rate-limit."`
	SunsetHeaders   *sunsetheaders.Config   `json:"sunset_headers" desc:"Announces the end of an API version and ends it; the configuration of sunset-headers."`

	// RouteID, ServiceID and ConsumerID are what the configuration is of; all empty for
	// one that is for all requests.
	RouteID    string `json:"route_id" kong:"scope"`
	ServiceID  string `json:"service_id" kong:"scope"`
	ConsumerID string `json:"consumer_id" kong:"scope"`

	runtime *Runtime
	// mistakes are what Provision found, by section; nil before it ran.
	mistakes map[string]error
	// limits says that requests are to be limited, and their identities issued.
	limits bool
	// overruled are the fields of one section that another makes count for nothing.
	overruled []error
}

var (
	errNoSection = errors.New("run: empty, so the plugin would do nothing; name at least one of " +
		sectionScrub + ", " + sectionTrace + ", " + sectionLimit + ", " + sectionSunset)
	errAbsent    = errors.New("run names the section, and it is absent; write it, {} for its defaults")
	errNoHeaders = errors.New("response_headers: nginx's access line, which tells how requests end here, has none of them; " +
		"remove the field, or set GATEHOUSE_LOG_PHASE=event to have log events instead")
	errNotServed = errors.New("this process does not serve that plugin; remove the section")
)

// Provision checks every section and prepares it. Errors are the sections' own,
// each field with the section's name before it. What is wrong in one section leaves
// the others as they are.
func (c *Config) Provision() error {
	c.mistakes = map[string]error{}
	c.limits = slices.Contains(c.Run, sectionLimit)
	if len(c.Run) == 0 {
		return errNoSection
	}
	if c.PIILogScrub != nil {
		c.PIILogScrub.RouteID, c.PIILogScrub.ServiceID, c.PIILogScrub.ConsumerID = c.RouteID, c.ServiceID, c.ConsumerID
	}
	o := c.runtime.options
	err := errors.Join(
		c.checkRun(),
		c.checkHeaders(),
		provision(c, sectionScrub, o.Scrubber, &c.PIILogScrub),
		provision(c, sectionTrace, o.Tracer, &c.TraceInject),
		provision(c, sectionLimit, o.Limiter, &c.TenantRateLimit),
		provision(c, sectionSunset, o.Sunset, &c.SunsetHeaders),
	)
	c.shareIdentity()
	return err
}

// checkHeaders leaves out the response headers of the audit record where they cannot be
// known.
func (c *Config) checkHeaders() error {
	if !c.runtime.options.AccessLines || !slices.Contains(c.Run, sectionScrub) || c.PIILogScrub == nil || len(c.PIILogScrub.ResponseHeaders) == 0 {
		return nil
	}
	c.PIILogScrub.ResponseHeaders = nil
	c.mistakes[headersOfScrub] = errNoHeaders
	return prefixed(sectionScrub, errNoHeaders)
}

// headersOfScrub is what the scrubber has nothing to do with, and so goes on.
const headersOfScrub = sectionScrub + ".response_headers"

// checkRun refuses the name of no section.
func (c *Config) checkRun() error {
	for _, name := range c.Run {
		switch name {
		case sectionScrub, sectionTrace, sectionLimit, sectionSunset:
		default:
			return fmt.Errorf("run: %q is no section; use %s, %s, %s or %s", name, sectionScrub, sectionTrace, sectionLimit, sectionSunset)
		}
	}
	return nil
}

// binder is the Runtime of a plugin whose configuration is a C.
type binder[R, C any] interface {
	*R
	New() any
	Bind(*C)
}

// provisioner is a plugin's configuration.
type provisioner[C any] interface {
	*C
	Provision() error
}

// provision makes a section ready, or forgets it if it is not to run. One that is to run
// and absent runs with the defaults; one that this process does not serve cannot.
func provision[R, C any, PR binder[R, C], PC provisioner[C]](config *Config, name string, runtime PR, section *PC) error {
	if !slices.Contains(config.Run, name) {
		*section = nil
		return nil
	}
	err := func() error {
		if runtime == nil {
			*section = nil
			return fmt.Errorf("%s: %w", name, errNotServed)
		}
		var absent error
		if *section == nil {
			*section, absent = runtime.New().(PC), fmt.Errorf("%s: %w", name, errAbsent)
		}
		runtime.Bind(*section)
		return errors.Join(absent, prefixed(name, guard((*section).Provision)))
	}()
	if err != nil {
		config.mistakes[name] = err
	}
	return err
}

// prefixed puts the section's name before the field's in each line of err.
func prefixed(name string, err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s.%w", name, err)
	}
	var errs []error
	for _, one := range joined.Unwrap() {
		errs = append(errs, prefixed(name, one))
	}
	return errors.Join(errs...)
}
