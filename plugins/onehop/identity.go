package onehop

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
)

// shareIdentity has the whole request know who is asking by the limiter's claims: an
// audit record that names somebody else would tell of another request. What the
// scrubber's section says counts only where there is no limiter.
func (h *hop) shareIdentity(scrub *piilogscrub.Config, limit *tenantratelimit.Config) {
	if scrub == nil || limit == nil {
		return
	}
	said, counts, byDefault := scrub.Identity, limit.Identity.Names, identity.Names{}
	for _, names := range []*identity.Names{&said, &counts, &byDefault} {
		defaults.Fill(names)
	}
	h.overruled = append(
		overruled(sectionScrub, "tenant_claim", said.TenantClaim, counts.TenantClaim, byDefault.TenantClaim),
		overruled(sectionScrub, "user_claim", said.UserClaim, counts.UserClaim, byDefault.UserClaim)...,
	)
	scrub.Identity = counts
	h.sayOverruled(h.overruled)
}

// shareTenant has the record of who calls a version know tenants by the limiter's claim.
func (h *hop) shareTenant(sunset *sunsetheaders.Config, limit *tenantratelimit.Config) {
	if sunset == nil || limit == nil {
		return
	}
	said, counts, byDefault := sunset.Identity, limit.Identity.Names, sunsetheaders.Identity{}
	defaults.Fill(&said)
	defaults.Fill(&counts)
	defaults.Fill(&byDefault)
	mistaken := overruled(sectionSunset, "tenant_claim", said.TenantClaim, counts.TenantClaim, byDefault.TenantClaim)
	sunset.Identity.TenantClaim = counts.TenantClaim
	h.overruled = append(h.overruled, mistaken...)
	h.sayOverruled(mistaken)
}

func (h *hop) sayOverruled(fields []error) {
	for _, field := range fields {
		h.runtime.options.Logger.Warn("a field does not count", "plugin", Name, "error", field)
	}
}

// overruled names a claim that a section says and does not count. Kong
// fills in defaults: a section that has the default may as well have said nothing.
func overruled(section, field, said, counts, byDefault string) []error {
	if said == counts || said == byDefault {
		return nil
	}
	return []error{fmt.Errorf("%s.identity.%s: %q does not count beside %s.identity.%s, which is %q; remove it, or make them the same",
		section, field, said, sectionLimit, field, counts)}
}
