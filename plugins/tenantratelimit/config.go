// Package tenantratelimit is the Kong plugin tenant-rate-limit: it finds out
// who is asking, issues their identity to the upstream, and admits the request
// if every limit that applies to them has room.
//
// This package is what touches Kong: the configuration ([Config]), the handler, reading
// the request and writing the answer, and what outlives a reload ([Runtime]). A request
// goes through handler.go, read.go and then [Limiter.Decide], which asks the core in
// package quota. The counting is in limiter, the principal in identity, and what
// clients are told in answer.
package tenantratelimit

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/prepared"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// What Kong knows the plugin by.
const (
	Name    = "tenant-rate-limit"
	Version = "0.1.0"
	// Priority is below Kong's auth plugins and acl, so that principals are
	// verified, and just below where Kong's own rate-limiting runs.
	Priority = 905
)

// Config is what an operator writes. Make one with [Runtime.New] and decode it. The
// plugin server then calls Provision; where nobody does, as with go-pdk's own server,
// the first event does.
type Config struct {
	_ struct{} `kong:"at_least_one_of=limits|plans,whole"`

	Identity         Identity          `json:"identity" desc:"How the principal is read from a verified token, and whether it is passed upstream."`
	Limits           []quota.Limit     `json:"limits" desc:"Limits for everybody, whatever their plan."`
	Plans            []quota.Plan      `json:"plans" desc:"Named sets of limits; a tenant's plan adds its limits to those for everybody."`
	DefaultPlan      string            `json:"default_plan" kong:"len_max=64,shape=printable" desc:"The plan of tenants that no token and no entry of tenants gives one, and of anonymous clients."`
	Tenants          []quota.Tenant    `json:"tenants" desc:"Plans and limits of single tenants; a plan named by a verified token goes first."`
	DefaultUserLimit quota.UserDefault `json:"default_user_limit" desc:"The limit on each user where no other limit counts by user: ten times the expected peak."`
	Costs            []quota.Cost      `json:"costs" desc:"What a request costs, by method, route and header; the first entry that matches counts, and 1 where none does."`
	Exempt           quota.Exempt      `json:"exempt" desc:"Who and what is not limited."`
	Problem          Problem           `json:"problem" desc:"What a client that a limit denies is told, in place of the standard's words: members of the problem document (RFC 9457). They are the same for everybody."`
	Policy           string            `json:"policy" kong:"one_of=redis|local,default=redis" desc:"Where requests are counted: in Redis, for all nodes together, or in each node's memory, for it alone, so that all nodes together admit the limit as many times as there are nodes."`
	Redis            Redis             `json:"redis" desc:"Where the counters are kept, with policy redis."`
	OnRedisError     string            `json:"on_redis_error" kong:"one_of=local|allow|deny,default=local" desc:"What happens while Redis fails: count on this node with its share of each limit, admit everything, or answer 503."`
	Nodes            int               `json:"nodes" kong:"between=1|10000" desc:"How many gateway nodes share the limits; while Redis fails, each admits its part. If absent, nodes count each other through Redis."`
	Observe          bool              `json:"observe" kong:"default=true" desc:"Whether peaks by tenant, user and route are kept in Redis, for gatehouse limits advise, and when credentials were last used, for gatehouse keys."`
	HideHeaders      []string          `json:"hide_headers" kong:"set,one_of=RateLimit|RateLimit-Policy|Retry-After|X-RateLimit-Limit|X-RateLimit-Remaining|X-RateLimit-Reset" desc:"Headers that clients are not sent."`
	LegacyHeaders    bool              `json:"legacy_headers" kong:"default=false" desc:"Also send X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (in seconds) of the tightest limit."`

	// RouteID is the route that the configuration is of; empty for one of more routes.
	RouteID string `json:"route_id" kong:"scope"`

	runtime *Runtime
	// limiter is made by Provision, at the first event at the latest; see Limiter.
	limiter prepared.Value[*Limiter]
	// counted is the metric of configs without a Redis that this one is in; nil if none.
	counted prometheus.Gauge
	// counts is where the config counts; nil until the limiter is made.
	counts *pool
	// limitNames are those that overrides may name; nil until the limiter is made.
	limitNames []string
}

// policyLocal is the policy with which no Redis is asked for anything.
const policyLocal = "local"

// Problem is what an operator has denied clients told.
type Problem struct {
	Type    string `json:"type" kong:"len_min=1,len_max=256,match=^%a[%w+.-]*:[!#-;=?-[%]_a-z~]+$,err=write a URI\\, such as https://example.com/problems/quota or urn:example:quota" desc:"The problem's type, a URI, for 429 and 503 alike."`
	Title   string `json:"title" kong:"len_min=1,len_max=128,shape=text" desc:"The problem's title: what the type is, in a few words."`
	Message string `json:"message" kong:"len_min=1,len_max=1024,shape=text" desc:"The problem's detail: what the client can do. A limit's own message goes before it."`
}

// Identity configures the principal.
type Identity struct {
	identity.Names
	Issuers   []identity.Issuer `json:"issuers" desc:"Whose tokens are believed, by the consumer that holds the issuer's keys. If absent, every token that Kong verified is."`
	PlanClaim string            `json:"plan_claim" kong:"default=plan,len_min=1,len_max=256,shape=text" desc:"The claim of the verified token that names the plan."`
	PlanTag   string            `json:"plan_tag" kong:"default=plan:,len_min=1,len_max=64,shape=printable" desc:"What a consumer's tag begins with that names the plan, such as plan:gold, where no token was verified."`
	PlanGroup string            `json:"plan_group" kong:"len_min=1,len_max=64,shape=printable" desc:"What an authenticated group begins with that names the plan, in kong.ctx.shared.authenticated_groups. Not read if absent."`
	Issue     bool              `json:"issue" kong:"default=true" desc:"Whether the verified X-Tenant-Id, X-User-Id and X-Plan are sent upstream. Those that a client sent are removed either way."`
}

// Redis configures the counters' store.
type Redis struct {
	URL          string `json:"url" kong:"referenceable,encrypted,len_max=4096,shape=redis_url" desc:"The Redis to count in: redis://, rediss:// (TLS) or unix://, with user and password if it has ACL users, ?cluster=true for a Cluster, ?master_name=NAME for Sentinels. The REDIS_URL of the plugin server if absent."`
	TimeoutMS    int    `json:"timeout_ms" kong:"default=20,between=1|1000" desc:"How long a request waits for Redis at most."`
	WaitReplicas int    `json:"wait_replicas" kong:"between=1|10" desc:"How many replicas must have a charge before a request is admitted, so that a failover forgets none. Where they do not within half of timeout_ms, on_redis_error decides. No replica is waited for if absent."`
	KeyPrefix    string `json:"key_prefix" kong:"default=gatehouse,len_min=1,len_max=64,match=^[%w_.:-]+$,err=write 1 to 64 letters\\, digits\\, or any of _ . : -" desc:"What every Redis key of this plugin begins with."`
}
