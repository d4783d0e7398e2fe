package traceinject

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gatehousehq/gatehouse/internal/prepared"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// What Kong knows the plugin by.
const (
	Name    = "trace-inject"
	Version = "0.1.0"
	// Priority is above Kong's auth plugins and below correlation-id and
	// pii-log-scrub, whose redactions the span's data must have gone through.
	Priority = 100000
)

const defaultResponseHeader = "X-Trace-Id"

// Config is what an operator writes in kong.yaml. Get one from [Runtime.New],
// which sets the defaults that a zero value cannot stand for.
type Config struct {
	// Incoming is what to do with a client's traceparent. Default link: the
	// gateway is a public edge, and a link keeps the correlation without
	// giving a stranger the trace id and the sampling decision.
	Incoming propagation.Incoming `json:"incoming" kong:"default=link,one_of=continue|link|restart" desc:"What to do with a client's traceparent: continue its trace, link a new trace to it, or restart and forget it."`
	// TrustedCIDRs are networks whose trace is continued whatever Incoming
	// says. The address is the one that Kong's trusted_ips and real_ip_header
	// settings yield.
	TrustedCIDRs []string `json:"trusted_cidrs" kong:"shape=network" desc:"Networks (CIDR) of clients whose trace is always continued, whatever incoming says."`
	// SampleRatio is the share of traces begun here that is recorded, 0 to 1,
	// decided by the trace id: services that use OpenTelemetry's
	// TraceIdRatioBased sampler with the same ratio decide alike. Default 1.
	SampleRatio float64 `json:"sample_ratio" kong:"default=1,between=0|1" desc:"Share of the traces begun at the gateway that is recorded, from 0 to 1, decided by the trace id."`
	// IgnoreParentSampled makes SampleRatio decide for continued traces too.
	// Otherwise they keep the decision of whoever began them.
	IgnoreParentSampled bool `json:"ignore_parent_sampled" kong:"default=false" desc:"Let sample_ratio decide for continued traces too, so that a client's sampled flag cannot make the gateway record."`
	// MaxParentSampled bounds, for a node and all its configurations together, the traces
	// a second that are sampled only because a client says so; sample_ratio decides for
	// the others. Default 100.
	MaxParentSampled int `json:"max_parent_sampled_per_second" kong:"default=100,between=0|1000000" desc:"How many traces a second and node are sampled only because the client's parent is; sample_ratio decides for the others. 0: none."`
	// KeepErrors, KeepStatuses and KeepSlowMS keep the gateway's own spans of requests in
	// traces that are not sampled, once it is known how they ended. Whom the gateway
	// called has been told that the trace is not sampled: nobody else's spans are in it. A
	// continued trace whose client said not sampled is left alone, unless
	// IgnoreParentSampled. Default: none are kept.
	KeepErrors   bool  `json:"keep_errors" kong:"default=false" desc:"Export the gateway's own spans of requests that end with 500 or above though not sampled; services, told so before, export none."`
	KeepStatuses []int `json:"keep_statuses" kong:"set,between=400|499,len_max=20" desc:"Statuses from 400 to 499 of which the gateway's own spans are exported though not sampled, as with keep_errors."`
	KeepSlowMS   int   `json:"keep_slow_ms" kong:"default=0,between=0|3600000" desc:"Export the gateway's own spans of requests that took so many milliseconds though not sampled, as with keep_errors; 0 for none."`
	// UpstreamSpans has a client span for each try of the upstream. The service's parent is
	// then the span of the last try. Default true.
	UpstreamSpans bool `json:"upstream_spans" kong:"default=true" desc:"Export a client span for each try of the upstream, beside the gateway's server span; the service's parent is the last one."`
	// HeaderAttributes are request headers that the gateway's span tells of, scrubbed.
	HeaderAttributes []string `json:"header_attributes" kong:"shape=header_name,len_max=16,each_len_max=128,not_header=Authorization|Proxy-Authorization|Cookie|Cookie2|ApiKey|API-Key|X-API-Key|X-Auth-*|X-Consumer-*|X-Credential-*" desc:"Request headers that are attributes of the gateway's span (http.request.header.NAME), scrubbed, 256 bytes at most; none with credentials."`
	// Propagation says in which formats a trace comes and goes.
	Propagation Propagation `json:"propagation" desc:"Formats in which a trace comes and goes, by the names of Kong's own tracing plugins."`
	// PassHeaders are other formats' headers that the service gets as the client sent
	// them. All that are known are removed otherwise: they are the client's trace too.
	PassHeaders []string `json:"pass_headers" kong:"shape=header_name,len_max=32,each_len_max=128" desc:"Headers with a trace in another format that the service gets as the client sent them; the others are removed."`
	// Baggage is what to do with a client's baggage header. Default remove.
	Baggage propagation.Baggage `json:"baggage" kong:"default=remove,one_of=remove|pass" desc:"What to do with a client's baggage header: remove it, or pass it to the upstream."`
	// ResponseHeader carries the trace id to the client, for it to quote when
	// it asks for help. Default X-Trace-Id; the empty string leaves it out.
	ResponseHeader string `json:"response_header" kong:"default=X-Trace-Id,len_min=0,len_max=128,shape=response_header_name,not_header=Accept-*|Access-Control-*|Activate-Storage-Access|Age|Allow|Alt-Svc|Authentication-Control|Authentication-Info|Cache-*|CDN-*|Clear-Site-Data|Connection|Content-*|Critical-CH|Cross-Origin-*|Date|Deprecation|Digest|Document-Policy|Document-Policy-Report-Only|E-Tag|ETag|Expect-CT|Expires|Feature-Policy|HTTP2-Settings|Integrity-Policy|Integrity-Policy-Report-Only|Keep-Alive|Last-Modified|Link|Location|MIME-Version|NEL|No-Vary-Search|Observe-Browsing-Topics|Optional-WWW-Authenticate|Origin-Agent-Cluster|Origin-Trial|P3P|Permissions-Policy|Permissions-Policy-Report-Only|Pragma|Preference-Applied|Proxy-*|Public-Key-Pins|Public-Key-Pins-Report-Only|RateLimit|RateLimit-Policy|Referrer-Policy|Refresh|Report-To|Reporting-Endpoints|Repr-Digest|Require-Document-Policy|Retry-After|Sec-*|Server|Server-Timing|Service-Worker-*|Set-Cookie|Set-Cookie2|Set-Login|Signature|Signature-Input|SourceMap|Speculation-Rules|Strict-Transport-Security|Sunset|Supports-Loading-Mode|Surrogate-*|TE|Timing-Allow-Origin|Tk|Traceresponse|Trailer|Transfer-Encoding|Upgrade|Use-As-Dictionary|Vary|Via|Want-*|Warning|WWW-Authenticate|X-Accel-*|X-Content-Security-Policy|X-Content-Type-Options|X-DNS-Prefetch-Control|X-Download-Options|X-Frame-Options|X-Kong-*|X-Permitted-Cross-Domain-Policies|X-RateLimit-*|X-Robots-Tag|X-SourceMap|X-UA-Compatible|X-WebKit-CSP|X-XSS-Protection" desc:"Response header that carries the trace id to the client; an empty string leaves it out."`

	// Traceresponse tells the client the gateway's span in the header of that name.
	// Default false.
	Traceresponse bool `json:"traceresponse" kong:"default=false" desc:"Tell the client the gateway's span in a header traceresponse (a draft of W3C's)."`
	// ServerTiming tells scripts in a browser the gateway's span. traceparent is what
	// the scripts of OpenTelemetry's vendors read, trace what was drafted at W3C.
	ServerTiming string `json:"server_timing" kong:"default=none,one_of=none|traceparent|trace" desc:"Tell browsers the gateway's span in Server-Timing, as the metric of that name: traceparent, which scripts read, or trace, a draft of W3C's."`

	runtime *Runtime
	tracer  prepared.Value[*Tracer]
}

// Provision checks the config and prepares it for events. The error lists
// every bad field, one line each. What is bad is then as by default: a bad network
// is trusted by nobody, and a bad header is not sent.
func (c *Config) Provision() error {
	return c.tracer.Provision(c.newTracer)
}

// Tracer is what the config does. On a server that calls no Provision, as go-pdk's own,
// the first event does.
func (c *Config) Tracer() *Tracer {
	return c.tracer.Get(c.newTracer, func(_ *Tracer, err error) {
		c.runtime.logger.Error("the config has mistakes in it", "plugin", Name, "error", err)
	})
}

// Degrade has a config that could not be decoded, or that Provision refused, go on with
// what is right in it and the defaults for the rest.
func (c *Config) Degrade(error) {
	_ = c.Provision() // which says what Degrade was told
	c.tracer.Made().degraded = true
}

// Close is the end of the config, which holds nothing that needs ending.
func (c *Config) Close() error { return nil }

// check makes the values of bad and absent fields the defaults, and returns what is bad.
func (c *Config) check() (trusted []netip.Prefix, err error) {
	trusted, err = parseCIDRs(c.TrustedCIDRs)
	return trusted, errors.Join(c.checkIncoming(), err, c.checkSampling(), c.checkPropagation(), c.checkBaggage(), c.checkHeader(), c.checkServerTiming(), c.checkHeaderAttributes())
}

func (c *Config) checkIncoming() (err error) {
	switch c.Incoming {
	case propagation.IncomingContinue, propagation.IncomingLink, propagation.IncomingRestart:
		return nil
	case "":
	default:
		err = fmt.Errorf("incoming: %q is not a choice; use continue, link or restart", c.Incoming)
	}
	c.Incoming = propagation.IncomingLink
	return err
}

func (c *Config) checkBaggage() (err error) {
	switch c.Baggage {
	case propagation.BaggageRemove, propagation.BaggagePass:
		return nil
	case "":
	default:
		err = fmt.Errorf("baggage: %q is not a choice; use remove or pass", c.Baggage)
	}
	c.Baggage = propagation.BaggageRemove
	return err
}

func parseCIDRs(cidrs []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(cidrs))
	var errs []error
	for i, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			errs = append(errs, fmt.Errorf("trusted_cidrs[%d]: %q is not a network; write it as address/bits, such as 10.0.0.0/8", i, cidr))
			continue
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, errors.Join(errs...)
}
