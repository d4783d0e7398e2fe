package quota

// The types of this file are the part of the plugin's configuration that decides, as an
// operator writes it. Kong checks ranges and choices by the tags and fills in the
// defaults; the code here checks what a tag cannot say.

// Rules are which limits there are, for whom, and what a request costs.
type Rules struct {
	// Limits are for everybody, whatever their plan.
	Limits []Limit
	Plans  []Plan
	// DefaultPlan is of tenants that nothing else gives one, and of the anonymous.
	DefaultPlan      string
	Tenants          []Tenant
	DefaultUserLimit UserDefault
	// Costs are what requests cost: the first that matches counts, 1 where none does.
	Costs []Cost
	// Exempt is who and what is not limited.
	Exempt Exempt
}

// Limit is one named limit.
type Limit struct {
	_ struct{} `kong:"if=algorithm is calendar,then=period is given"`
	_ struct{} `kong:"if=algorithm is calendar,then=window_seconds is absent"`
	_ struct{} `kong:"if=algorithm is not calendar,then=window_seconds is given"`
	_ struct{} `kong:"if=algorithm is not calendar,then=period is absent"`
	_ struct{} `kong:"if=algorithm is not token_bucket,then=burst is absent"`
	_ struct{} `kong:"if=scope contains claim,then=claim is given"`
	_ struct{} `kong:"if=scope contains header,then=header is given"`
	_ struct{} `kong:"if=claim is given,then=scope contains claim"`
	_ struct{} `kong:"if=header is given,then=scope contains header"`

	Name          string   `json:"name" kong:"required,len_min=1,len_max=64,shape=printable,not_one_of=user-default" desc:"The limit's name, as clients see it in RateLimit headers. Limits of one name, scope and window count together wherever they are configured."`
	Scope         []string `json:"scope" kong:"required,set,len_min=1,one_of=tenant|user|consumer|credential|claim|ip|route|service|header|global" desc:"Whose requests count together: one of these, or several for each combination of them."`
	Claim         string   `json:"claim" kong:"len_min=1,len_max=256,shape=text" desc:"The claim of the verified token that the scope claim counts by."`
	Header        string   `json:"header" kong:"len_min=1,len_max=128,shape=header_name" desc:"The request header that the scope header counts by. Clients choose its value: combine it with a scope that they cannot choose."`
	Algorithm     string   `json:"algorithm" kong:"one_of=token_bucket|sliding_window|fixed_window|calendar,default=token_bucket" desc:"How requests are counted: a smooth rate with a burst, any span of a window, aligned windows, or calendar days and months."`
	Limit         int64    `json:"limit" kong:"required,between=0|1000000000" desc:"The units admitted in a window; for token_bucket, the units refilled in one. 0 admits nothing."`
	WindowSeconds int64    `json:"window_seconds" kong:"between=1|31536000" desc:"The seconds that the limit covers; not for calendar."`
	Burst         int64    `json:"burst" kong:"between=1|1000000000" desc:"The units that a token_bucket holds at most; as many as limit if absent."`
	Cost          int64    `json:"cost" kong:"default=1,between=1|1000000000" desc:"The units that a request takes from this limit, times the request's own cost."`
	Period        string   `json:"period" kong:"one_of=day|month" desc:"The length of a calendar quota."`
	TimeZone      string   `json:"time_zone" kong:"default=UTC,len_max=64,shape=time_zone" desc:"The time zone in which a calendar quota's days begin, such as Europe/Berlin."`
	Mode          string   `json:"mode" kong:"one_of=enforce|shadow,default=enforce" desc:"Whether the limit denies requests, or only counts and reports what it would have denied."`
	Status        int      `json:"status" kong:"one_of=429|503,default=429" desc:"What a denied client is answered: 429 where it used up its quota, 503 where load is shed to protect what is behind."`
	Lease         int64    `json:"lease" kong:"between=0|1000000" desc:"The units that a node takes from Redis at once, to admit requests without asking. Each node may admit as many past the limit. None if absent."`
	Message       string   `json:"message" kong:"len_min=1,len_max=1024,shape=text" desc:"What a client that this limit denies is told, as detail of the problem document. That of problem if absent."`
}

// Plan is a named set of limits.
type Plan struct {
	Name   string  `json:"name" kong:"required,len_min=1,len_max=64,shape=printable" desc:"The plan's name, as a token's plan claim or an entry of tenants says it."`
	Limits []Limit `json:"limits" kong:"required,len_min=1" desc:"The plan's limits."`
}

// Tenant is what the operator decided about one tenant.
type Tenant struct {
	Tenant string     `json:"tenant" kong:"required,len_min=1,len_max=128,shape=text" desc:"The tenant's identifier: the token's tenant claim, or the consumer's custom_id."`
	Plan   string     `json:"plan" kong:"len_max=64,shape=printable" desc:"The tenant's plan, if its token names none."`
	Limits []Override `json:"limits" desc:"Limits that are other numbers for this tenant."`
}

// Override changes the numbers of a limit for one tenant.
type Override struct {
	Name  string `json:"name" kong:"required,len_min=1,len_max=64,shape=printable" desc:"The name of the limit to change."`
	Limit int64  `json:"limit" kong:"required,between=0|1000000000" desc:"The units that this tenant is admitted in a window. 0 admits nothing: the tenant is blocked where the limit applies."`
	Burst int64  `json:"burst" kong:"between=1|1000000000" desc:"The units that this tenant's token_bucket holds; scaled with limit if absent."`
}

// UserDefault is the limit that always exists.
type UserDefault struct {
	ExpectedPeak  int64  `json:"expected_peak" kong:"default=10,between=1|1000000" desc:"The requests that one user makes in a window at the busiest. The limit is ten times that."`
	WindowSeconds int64  `json:"window_seconds" kong:"default=1,between=1|31536000" desc:"The seconds that expected_peak covers."`
	Mode          string `json:"mode" kong:"one_of=enforce|shadow,default=enforce" desc:"Whether the limit denies requests, or only counts and reports what it would have denied."`
}

// Exempt is who and what no limit is asked about.
type Exempt struct {
	Preflights bool     `json:"preflights" kong:"default=false" desc:"Whether CORS preflights are not limited: OPTIONS with Origin and Access-Control-Request-Method. Anybody can send them."`
	Routes     []string `json:"routes" kong:"set,len_max=1000,each_len_max=128,shape=text" desc:"The names or ids of routes that are not limited, such as those of health checks."`
	Consumers  []string `json:"consumers" kong:"set,len_max=1000,each_len_max=128,shape=text" desc:"The usernames, custom_ids or ids of consumers who are not limited. With tokens it is the consumer that holds the key, and so everybody whose token is signed with it."`
	Tenants    []string `json:"tenants" kong:"set,len_max=1000,each_len_max=128,shape=text" desc:"Tenants who are not limited, by the token's tenant claim or the consumer's custom_id."`
	Networks   []string `json:"networks" kong:"set,len_max=100,shape=network" desc:"Networks (CIDR) of clients who are not limited, by the address that Kong's trusted_ips give."`
}

// Cost is what requests to some routes, with some methods or some header cost.
type Cost struct {
	_ struct{} `kong:"if=values is given,then=header is given"`

	Methods []string `json:"methods" kong:"set,each_len_max=32,shape=method" desc:"The methods that this entry is about; all if absent."`
	Routes  []string `json:"routes" kong:"set,shape=text" desc:"The names or ids of the routes that this entry is about; all if absent."`
	Header  string   `json:"header" kong:"len_min=1,len_max=128,shape=header_name" desc:"The request header that this entry is about; requests without it are not."`
	Values  []string `json:"values" kong:"set,shape=text" desc:"The values of the header that this entry is about; all if absent."`
	Cost    int64    `json:"cost" kong:"required,between=0|1000000" desc:"What such a request costs. Of 0 it does not count, and no limit denies it."`
}
