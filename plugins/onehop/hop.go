package onehop

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// hop is a configuration that is ready for events: the sections that run, each as its
// plugin's handler would use it, nil where one does not run.
type hop struct {
	runtime *Runtime

	scrub   *piilogscrub.Scrubber
	trace   *traceinject.Tracer
	limit   *tenantratelimit.Config
	sunset  *sunsetheaders.Announcer
	version *apiversion.Chooser

	// limits says that requests are to be limited, and their identities issued. It is
	// true also where the limiter cannot run.
	limits bool

	sections []section
	// mistakes are what is wrong, by section.
	mistakes map[string]error
	// overruled are the fields of one section that another makes count for nothing.
	overruled []error
}

// section is one that runs, as the configuration of the plugin that it is apart.
type section struct {
	name   string
	config sectionConfig
}

type sectionConfig interface {
	Prefetch(phase string) [][2]string
	Provision() error
	Degrade(error)
	Close() error
}

var (
	errNoSection = errors.New("run: empty, so the plugin would do nothing; name at least one of " +
		sectionScrub + ", " + sectionTrace + ", " + sectionLimit + ", " + sectionSunset + ", " + sectionVersion)
	errAbsent    = errors.New("run names the section, and it is absent; write it, {} for its defaults")
	errNoHeaders = errors.New("response_headers: nginx's access line, which tells how requests end here, has none of them; " +
		"remove the field, or set GATEHOUSE_LOG_PHASE=event to have log events instead")
	errNotServed = errors.New("this process does not serve that plugin; remove the section")
)

// newHop returns a hop beside an error, too: what is wrong in one section leaves the
// others as they are. Those with mistakes in them are to be degraded.
func (c *Config) newHop() (*hop, error) {
	h := &hop{runtime: c.runtime, mistakes: map[string]error{}}
	if len(c.Run) == 0 {
		return h, errNoSection
	}
	o := c.runtime.options
	scrub, scrubErr := choose(c, sectionScrub, o.Scrubber, c.PIILogScrub)
	trace, traceErr := choose(c, sectionTrace, o.Tracer, c.TraceInject)
	limit, limitErr := choose(c, sectionLimit, o.Limiter, c.TenantRateLimit)
	sunset, sunsetErr := choose(c, sectionSunset, o.Sunset, c.SunsetHeaders)
	version, versionErr := choose(c, sectionVersion, o.Versions, c.APIVersion)
	if scrub != nil {
		scrub.RouteID, scrub.ServiceID, scrub.ConsumerID = c.RouteID, c.ServiceID, c.ConsumerID
	}
	h.shareIdentity(scrub, limit)
	h.shareTenant(sunset, limit)
	err := errors.Join(
		checkRun(c.Run),
		h.checkHeaders(scrub),
		provision(h, sectionScrub, scrub, scrubErr),
		provision(h, sectionTrace, trace, traceErr),
		provision(h, sectionLimit, limit, limitErr),
		provision(h, sectionSunset, sunset, sunsetErr),
		provision(h, sectionVersion, version, c.checkForAll(version, versionErr)),
	)
	h.limits = slices.Contains(c.Run, sectionLimit)
	h.limit = limit
	if scrub != nil {
		h.scrub = scrub.Scrubber()
	}
	if trace != nil {
		h.trace = trace.Tracer()
	}
	if sunset != nil {
		h.sunset = sunset.Announcer()
	}
	if version != nil {
		h.version = version.Chooser()
	}
	return h, err
}

// checkRun refuses the name of no section.
func checkRun(run []string) error {
	for _, name := range run {
		switch name {
		case sectionScrub, sectionTrace, sectionLimit, sectionSunset, sectionVersion:
		default:
			return fmt.Errorf("run: %q is no section; use %s, %s, %s, %s or %s", name, sectionScrub, sectionTrace, sectionLimit, sectionSunset, sectionVersion)
		}
	}
	return nil
}

// choose returns a section's configuration if it is to run, on its plugin's runtime. One
// that is absent has the defaults; one that this process does not serve cannot run.
func choose[R, C any, PR interface {
	*R
	New() any
	Bind(*C)
}, PC interface{ *C }](c *Config, name string, runtime PR, written PC) (PC, error) {
	switch {
	case !slices.Contains(c.Run, name):
		return nil, nil
	case runtime == nil:
		return nil, fmt.Errorf("%s: %w", name, errNotServed)
	case written == nil:
		return runtime.New().(PC), fmt.Errorf("%s: %w", name, errAbsent)
	}
	runtime.Bind(written)
	return written, nil
}

// provision makes a section ready, if it runs. chosen is what is wrong with it already.
func provision[C any, PC interface {
	*C
	sectionConfig
}](h *hop, name string, config PC, chosen error) error {
	err := chosen
	if config != nil {
		h.sections = append(h.sections, section{name, config})
		err = errors.Join(chosen, prefixed(name, guard(config.Provision)))
	}
	if err != nil {
		h.mistakes[name] = err
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
