package onehop

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// shareIdentity has the whole request know who is asking by the limiter's claims: an
// audit record that names somebody else would tell of another request. What the
// scrubber's section says counts only where there is no limiter.
func (c *Config) shareIdentity() {
	c.overruled = nil
	if c.PIILogScrub == nil || c.TenantRateLimit == nil {
		return
	}
	said, counts := c.PIILogScrub.Identity.OrDefaults(), c.TenantRateLimit.Identity.OrDefaults()
	defaults := identity.Names{}.OrDefaults()
	c.overruled = append(
		overruled("tenant_claim", said.TenantClaim, counts.TenantClaim, defaults.TenantClaim),
		overruled("user_claim", said.UserClaim, counts.UserClaim, defaults.UserClaim)...,
	)
	c.PIILogScrub.Scrubber().IdentifyBy(counts)
	for _, field := range c.overruled {
		c.runtime.options.Logger.Warn("a field does not count", "plugin", Name, "error", field)
	}
}

// overruled names a claim that the scrubber's section says and does not count. Kong
// fills in defaults: a section that has the default may as well have said nothing.
func overruled(field, said, counts, byDefault string) []error {
	if said == counts || said == byDefault {
		return nil
	}
	return []error{fmt.Errorf("%s.identity.%s: %q does not count beside %s.identity.%s, which is %q; remove it, or make them the same",
		sectionScrub, field, said, sectionLimit, field, counts)}
}
