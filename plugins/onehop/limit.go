package onehop

import (
	"context"
	"errors"
	"time"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// limitRequest is what the limiter decides by, or why that could not be read.
type limitRequest struct {
	quota.Request
	err error
}

// readLimit reads what the limiter decides by, and who is asking above all.
func (ev *event) readLimit() {
	if ev.hop.limit == nil {
		return
	}
	ev.limitRequest = &limitRequest{}
	ev.limitRequest.err = ev.part(sectionLimit, func() (err error) {
		ev.limitRequest.Request, err = ev.hop.limit.Limiter().Read(ev.kong)
		return err
	})
}

// decideLimit asks the limiter. What a failing Redis means, or a panic, is for the
// limiter to say; a request whose identity cannot be read is refused.
func (ev *event) decideLimit(ctx context.Context) *refusal {
	if !ev.hop.limits {
		return nil
	}
	if ev.limitRequest == nil || ev.limitRequest.err != nil {
		return ev.hop.unvouched()
	}
	limiter := ev.hop.limit.Limiter()
	var d quota.Decision
	decide := func(ctx context.Context) func() error {
		return func() error { d = limiter.Decide(ctx, ev.limitRequest.Request); return nil }
	}
	err := ev.part(sectionLimit, decide(ctx))
	if panicked := (*panicError)(nil); errors.As(err, &panicked) {
		err = ev.part(sectionLimit, decide(tenantratelimit.WithoutRedis()))
	}
	if err != nil {
		return ev.hop.unvouched()
	}
	ev.request.decide(tenantratelimit.Name, limiter.Outcome(d))
	ev.request.record.TokenRefused, ev.request.record.Limit = d.Fault != "", d.Limit
	ev.headers.merge(d.Upstream, d.Client)
	if d.Allowed() {
		return nil
	}
	return &refusal{d.Status, d.Body}
}

// limitFailed decides a request whose access event was cut off, as if Redis did not
// answer.
func (h *hop) limitFailed(kong *pdk.PDK, err error) {
	if h.limit == nil {
		return
	}
	err = h.runtime.part(sectionLimit, func() error { h.limit.Failed(kong, err); return nil })
	if err != nil {
		kong.Response.ExitStatus(h.unvouched().status)
	}
}

// limitDeadline is how long the limiter may have to take, zero without one.
func (h *hop) limitDeadline() time.Duration {
	if h.limit == nil {
		return 0
	}
	return h.limit.Deadline()
}
