package tenantratelimit

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// Access is [Config.AccessContext] for servers that end no context.
func (c *Config) Access(kong *pdk.PDK) { c.AccessContext(context.Background(), kong) }

// AccessContext is Kong's access phase. When ctx ends, it decides without Redis.
// Kong runs an event again whose connection broke, so a request may be charged
// twice. One whose identity cannot be read or passed on gets a 500: going
// upstream, it would carry whatever identity the client wrote.
func (c *Config) AccessContext(ctx context.Context, kong *pdk.PDK) {
	err := c.access(ctx, c.runtime.source.OpenOn(kong, c.RouteID))
	if err != nil {
		c.runtime.logger.Error("the request is not admitted", "error", err)
		kong.Response.ExitStatus(http.StatusInternalServerError)
	}
}

func (c *Config) access(ctx context.Context, e *kongrequest.Event) error {
	l := c.Limiter()
	req, err := l.Read(e)
	if err != nil {
		return err
	}
	d := l.Decide(ctx, req)
	notes := []kongwrite.LogField{kongwrite.Decided(Name, l.Outcome(d))}
	if d.Fault != "" {
		notes = append(notes, kongwrite.TokenRefused())
	}
	if d.Limit != "" {
		notes = append(notes, kongwrite.Limited(d.Limit))
	}
	if err := kongwrite.SetLogFields(e.Kong(), notes...); err != nil {
		return err
	}
	return answerWith(e.Kong(), d)
}

// answerWith passes the request on with the headers that were decided, or ends it.
func answerWith(kong *pdk.PDK, d quota.Decision) error {
	if !d.Allowed() {
		kong.Response.Exit(d.Status, d.Body, d.Client)
		return nil
	}
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

// Failed is for an event whose handler was cut off or panicked. The request is
// decided as if Redis did not answer, by on_redis_error.
func (c *Config) Failed(kong *pdk.PDK, _ error) { c.AccessContext(WithoutRedis(), kong) }

// besidesRedis is what a decision takes besides waiting for Redis, on a busy machine:
// reading the request and writing the answer, a few calls to Kong.
const besidesRedis = 100 * time.Millisecond

// Deadline is how long an event may have to take. Redis is waited for up to twice
// redis.timeout_ms, where the process had no processor meanwhile.
func (c *Config) Deadline() time.Duration { return 2*c.timeout() + besidesRedis }

func (c *Config) timeout() time.Duration {
	return time.Duration(c.Redis.TimeoutMS) * time.Millisecond
}
