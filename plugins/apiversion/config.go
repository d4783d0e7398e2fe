package apiversion

import (
	"github.com/gatehousehq/gatehouse/internal/prepared"
)

// What Kong knows the plugin by.
const (
	Name    = "api-version"
	Version = "0.1.0"
	// Priority is below the scrubber's and the tracer's: what this plugin refuses is
	// scrubbed all the same.
	Priority = 99999
)

// Config is what an operator writes in kong.yaml, for all requests. Get one from
// [Runtime.New].
type Config struct {
	_ struct{} `kong:"at_least_one_of=apis,whole"`

	// RouteHeader is the request header that routes match on. It is overwritten in each
	// request to one of APIs, whoever wrote it.
	RouteHeader string `json:"route_header" kong:"default=X-Gatehouse-Version,len_max=64,match=^%a%w*%-?%w*%-?%w*%-?%w*%-?%w*$,not_header=Accept|Accept-*|ApiKey|API-Key|Authorization|Connection|Content-*|Cookie|Date|Expect|Host|If-*|Keep-Alive|Origin|Proxy-*|Range|Referer|TE|Traceparent|Tracestate|Trailer|Transfer-Encoding|Upgrade|User-Agent|Via|X-Anonymous-Consumer|X-API-Key|X-Authenticated-*|X-Consumer-*|X-Credential-*|X-Forwarded-*|X-Kong-*|X-Plan|X-Real-IP|X-Tenant-Id|X-User-Id,err=write the name of a header\\, of letters\\, digits and up to four dashes" desc:"Request header with the version's name, which routes match on. What a client writes into it is overwritten."`
	// RequestHeader lets clients name a version. Empty: Accept alone counts.
	RequestHeader string `json:"request_header" kong:"len_max=64,match=^%a%w*%-?%w*%-?%w*%-?%w*%-?%w*$,not_header=Accept|Accept-*|ApiKey|API-Key|Authorization|Connection|Content-*|Cookie|Date|Expect|Host|If-*|Keep-Alive|Origin|Proxy-*|Range|Referer|TE|Traceparent|Tracestate|Trailer|Transfer-Encoding|Upgrade|User-Agent|Via|X-Anonymous-Consumer|X-API-Key|X-Authenticated-*|X-Consumer-*|X-Credential-*|X-Forwarded-*|X-Kong-*|X-Plan|X-Real-IP|X-Tenant-Id|X-User-Id,err=write the name of a header\\, of letters\\, digits and up to four dashes" desc:"Request header in which clients may name a version, such as X-API-Version; Accept alone counts if absent. Versions without media types need it, but for the default."`
	// APIs are what has versions. Requests to nothing of it pass untouched.
	APIs []API `json:"apis" kong:"len_min=1,len_max=256" desc:"The APIs whose version is negotiated; other requests pass untouched."`

	// RouteID, ServiceID and ConsumerID are what the configuration is of; all empty for
	// one that is for all requests.
	RouteID    string `json:"route_id" kong:"scope"`
	ServiceID  string `json:"service_id" kong:"scope"`
	ConsumerID string `json:"consumer_id" kong:"scope"`

	runtime *Runtime
	chooser prepared.Value[*Chooser]
}

// API is one that has versions: the requests whose paths begin with Path.
type API struct {
	Path  string   `json:"path" kong:"required,len_max=1024,match=^/[%w/._~!$&'()*+;=:@-]*$,err=write a path as /partner/orders\\, without a query\\, a percent sign or an expression" desc:"What the paths of the API's requests begin with, as in a route; of several the longest counts."`
	Hosts []string `json:"hosts" kong:"set,each_len_max=253,match_any=^%w[%w.-]*$,match_any=^%*%.%w[%w.-]*$,err=write a host as api.example.com or *.example.com\\, without a port" desc:"The hosts that the API is at, *.example.com for all below one; all hosts if absent."`
	// Default never moves by itself: a new version is an option until somebody writes it here.
	Default    string   `json:"default" kong:"required,len_max=64,match=^%w[%w._-]*$,err=write a version's name\\, of letters\\, digits\\, dots\\, dashes and underscores" desc:"The version of clients that ask for none, one of versions. It never moves by itself."`
	MediaTypes []string `json:"media_types" kong:"set,len_max=32,each_len_max=255,match=^[%w!#$&^_.+-]+/[%w!#$&^_.+-]+$,err=write a media type as application/json\\, without parameters or wildcards" desc:"Media types that all versions have, such as application/json: the default's, or another's with ;version=2."`
	Versions   []Choice `json:"versions" kong:"required,len_min=1,len_max=32" desc:"The versions that there are; a route for each matches on the name."`
}

// Choice is one of an API's versions.
type Choice struct {
	Name       string   `json:"name" kong:"required,len_max=64,match=^%w[%w._-]*$,err=write a version's name\\, of letters\\, digits\\, dots\\, dashes and underscores" desc:"What routes match on, such as v2. Clients may leave out the v."`
	MediaTypes []string `json:"media_types" kong:"set,len_max=32,each_len_max=255,match=^[%w!#$&^_.+-]+/[%w!#$&^_.+-]+$,err=write a media type as application/json\\, without parameters or wildcards" desc:"Media types that this version alone has, such as application/vnd.example.v2+json. Without any, of an API without any, Accept neither names nor refuses it."`
	Deprecated bool     `json:"deprecated" desc:"Whether the version is on its way out: a 406 says so, and among equals it is chosen last."`
}

// Provision checks the config and prepares it for events. The error lists every bad field,
// one line each; see [Config.Degrade] for what is left then.
func (c *Config) Provision() error { return c.chooser.Provision(c.newChooser) }

// Chooser is what the config does. On a server that calls no Provision, as go-pdk's own,
// the first event does.
func (c *Config) Chooser() *Chooser {
	return c.chooser.Get(c.newChooser, func(k *Chooser, err error) {
		c.runtime.logger.Error("the config has mistakes in it", "plugin", Name, "error", err)
		k.degraded = true
	})
}

// Degrade has a config that could not be decoded, or that Provision refused, negotiate what
// is right in it.
func (c *Config) Degrade(error) {
	_ = c.Provision() // which says what Degrade was told
	c.chooser.Made().degraded = true
}

// Close is the end of the config, which holds nothing that needs ending.
func (c *Config) Close() error { return nil }
