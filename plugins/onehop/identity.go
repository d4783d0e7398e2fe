package onehop

import (
	"errors"
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
	c.overruled = errors.Join(
		overruled("tenant_claim", said.TenantClaim, counts.TenantClaim, defaults.TenantClaim),
		overruled("user_claim", said.UserClaim, counts.UserClaim, defaults.UserClaim),
	)
	c.PIILogScrub.Identity = counts
	if c.overruled != nil {
		c.runtime.options.Logger.Warn("a field does not count", "plugin", Name, "error", c.overruled)
	}
}

// overruled names a claim that the scrubber's section says and does not count. Kong
// fills in defaults: a section that has the default may as well have said nothing.
func overruled(field, said, counts, byDefault string) error {
	if said == counts || said == byDefault {
		return nil
	}
	return fmt.Errorf("%s.identity.%s: %q does not count beside %s.identity.%s, which is %q; remove it, or make them the same",
		sectionScrub, field, said, sectionLimit, field, counts)
}

// Overruled are the fields of one section that count for nothing because another
// section disagrees, a line each; nil if there are none. Call Provision first.
func (c *Config) Overruled() error { return c.overruled }
