package onehop

import (
	"errors"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// degrader is a section, as the plugin that it is apart.
type degrader interface {
	Degrade(error)
	Close() error
}

// Degrade has the sections that Provision refused go their plugins' declared ways, each
// told of its own mistakes; the others are as they are. Of a configuration that could
// not be decoded it is not known which section is wrong, and all degrade.
func (c *Config) Degrade(err error) {
	decoded := c.mistakes != nil
	if !decoded {
		_ = c.Provision() // which says what Degrade was told
	}
	for name, section := range c.sections() {
		switch mistake := c.mistakes[name]; {
		case mistake != nil:
			section.Degrade(mistake)
		case !decoded:
			section.Degrade(err)
		}
	}
}

// Warnings are the sections' warnings, and the fields of one section that count for
// nothing because another section disagrees.
func (c *Config) Warnings() []error {
	list := slices.Clone(c.overruled)
	if c.TenantRateLimit == nil {
		return list
	}
	for _, warning := range c.TenantRateLimit.Warnings() {
		list = append(list, prefixed(sectionLimit, warning))
	}
	return list
}

// Close is the end of the configuration.
func (c *Config) Close() error {
	var errs []error
	for _, section := range c.sections() {
		errs = append(errs, section.Close())
	}
	return errors.Join(errs...)
}

// sections are those that run, by name.
func (c *Config) sections() map[string]degrader {
	running := map[string]degrader{}
	if c.PIILogScrub != nil {
		running[sectionScrub] = c.PIILogScrub
	}
	if c.TraceInject != nil {
		running[sectionTrace] = c.TraceInject
	}
	if c.TenantRateLimit != nil {
		running[sectionLimit] = c.TenantRateLimit
	}
	if c.SunsetHeaders != nil {
		running[sectionSunset] = c.SunsetHeaders
	}
	return running
}

// decideDegraded notes which sections degrade, of those that decide nothing. A scrubber
// that drops texts says so itself.
func (c *Config) decideDegraded(known *call) {
	if c.mistakes[headersOfScrub] != nil && c.mistakes[sectionScrub] == nil {
		known.decide(piilogscrub.Name, kongrecord.Degraded)
	}
	if c.TraceInject != nil && c.TraceInject.Degraded() {
		known.decide(traceinject.Name, kongrecord.Degraded)
	}
}
