package tenantratelimit

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// Bind makes a config that was not made by New run on this runtime. It sets no
// defaults.
func (r *Runtime) Bind(c *Config) { c.runtime = r }

// Access is [Config.AccessContext] for servers that end no context.
func (c *Config) Access(kong *pdk.PDK) { c.AccessContext(context.Background(), kong) }

// AccessContext is Kong's access phase. When ctx ends, it decides without Redis.
// Kong runs an event again whose connection broke, so a request may be charged
// twice. One whose identity cannot be read or passed on gets a 500: going
// upstream, it would carry whatever identity the client wrote.
func (c *Config) AccessContext(ctx context.Context, kong *pdk.PDK) {
	err := c.access(ctx, c.runtime.source.OpenOn(kong, c.RouteID))
	if err != nil {
		c.runtime.options.Logger.Error("the request is not admitted", "plugin", Name, "error", err)
		kong.Response.ExitStatus(http.StatusInternalServerError)
	}
}

// Failed is for an event whose handler was cut off or panicked. The request is
// decided as if Redis did not answer, by on_redis_error.
func (c *Config) Failed(kong *pdk.PDK, _ error) { c.AccessContext(WithoutRedis(), kong) }

// roomTime is what a decision takes besides waiting for Redis, on a busy machine:
// reading the request and writing the answer, a few calls to Kong.
const roomTime = 100 * time.Millisecond

// Deadline is how long an event may have to take. Redis is waited for up to twice
// redis.timeout_ms, where the process had no processor meanwhile.
func (c *Config) Deadline() time.Duration { return 2*c.timeout() + roomTime }

func (c *Config) access(ctx context.Context, e *kongrequest.Event) error {
	req, err := c.Read(e)
	if err != nil {
		return err
	}
	d := c.Decide(ctx, req)
	if err := kongwrite.SetLogFields(e.Kong(), kongrecord.Decided(Name, d.Outcome())); err != nil {
		return err
	}
	if d.Allowed() {
		return apply(e.Kong(), d)
	}
	e.Kong().Response.Exit(d.Status, d.Body, d.Client)
	return nil
}

func apply(kong *pdk.PDK, d Decision) error {
	if err := kongwrite.SetUpstreamHeaders(kong, d.Upstream); err != nil {
		return fmt.Errorf("set upstream headers: %w", err)
	}
	if len(d.Client) == 0 {
		return nil
	}
	if err := kongwrite.SetResponseHeaders(kong, d.Client); err != nil {
		return fmt.Errorf("set response headers: %w", err)
	}
	return nil
}

// Read asks Kong for no more than the decision needs; every call costs the
// worker 9 to 15 µs. For a token that names tenant and user, it is one.
func (c *Config) Read(e *kongrequest.Event) (Request, error) {
	var req Request
	var err error
	if req.Token, err = e.Token(); err != nil {
		return Request{}, err
	}
	if err := c.readRouting(e, &req); err != nil {
		return Request{}, err
	}
	if req.Token == nil || c.compiled.needs.consumer || !c.namesBoth(req.Token) {
		if err := e.ReadConsumer(&req.Evidence); err != nil {
			return Request{}, err
		}
	}
	authenticated := req.Authenticated()
	if !authenticated {
		if req.HeaderNames, err = headerNames(e.Kong()); err != nil {
			return Request{}, err
		}
	}
	if !authenticated || c.compiled.needs.ip {
		if req.ClientIP, err = e.Var(kongrequest.RemoteAddr); err != nil {
			return Request{}, fmt.Errorf("read client address: %w", err)
		}
	}
	if c.compiled.needs.groups && req.Token == nil && authenticated {
		if req.Groups, err = e.Groups(); err != nil {
			return Request{}, err
		}
	}
	err = c.readHeaders(e, &req)
	return req, err
}

func (c *Config) readHeaders(e *kongrequest.Event, req *Request) error {
	for _, name := range c.compiled.needs.headers {
		value, err := e.Header(name)
		if err != nil {
			return fmt.Errorf("read header %s: %w", name, err)
		}
		if req.Headers == nil {
			req.Headers = make(map[string]string, len(c.compiled.needs.headers))
		}
		req.Headers[name] = value
	}
	return nil
}

func (c *Config) namesBoth(t *identity.Token) bool {
	return t.Claim(c.Identity.TenantClaim).Known() && t.Claim(c.Identity.UserClaim).Known()
}

func (c *Config) readRouting(e *kongrequest.Event, req *Request) error {
	n := c.compiled.needs
	if n.route || n.service {
		route, err := e.Route()
		if err != nil {
			return err
		}
		req.RouteID, req.RouteName, req.ServiceID = route.Id, route.Name, route.Service.Id
	}
	if n.method {
		method, err := e.Var(kongrequest.Method)
		if err != nil {
			return fmt.Errorf("read method: %w", err)
		}
		req.Method = method
	}
	return nil
}
