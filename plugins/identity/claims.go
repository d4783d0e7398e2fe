package identity

// Names are the claims that say who a verified token's bearer is, as operators write
// them: the same fields, with the same defaults, in each plugin that asks.
type Names struct {
	TenantClaim string `json:"tenant_claim" kong:"default=tenant,len_min=1,len_max=256,shape=text" desc:"The claim of the verified token that names the tenant, by its exact name."`
	UserClaim   string `json:"user_claim" kong:"default=sub,len_min=1,len_max=256,shape=text" desc:"The claim of the verified token that names the user, by its exact name."`
}

// Claims are all that [Resolve] looks for: the names, the claim that names the plan,
// and what a consumer's tag and a group begin with that name one. Where a field is
// empty, nothing is looked for.
type Claims struct {
	Names
	Plan, PlanTag, PlanGroup string
}
