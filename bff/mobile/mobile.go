// Package mobile is the BFF of the mobile app: a handler a screen, which gets
// the screen's parts side by side, maps them to few fields, and answers. It
// decides nothing and stores nothing.
package mobile

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gatehousehq/gatehouse/bff/openapi/mobileapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/internal/contract"
)

// New returns the handler of every path in the mobile contract (bff/openapi/mobile.yaml).
func New(o page.Options) (http.Handler, error) {
	p := &pages{o}
	server, err := mobileapi.NewServer(p, p,
		mobileapi.WithErrorHandler(contract.HandleError),
		mobileapi.WithNotFound(contract.HandleNotFound),
		mobileapi.WithMethodNotAllowed(page.HandleMethodNotAllowed))
	if err != nil {
		return nil, fmt.Errorf("set up mobile API: %w", err)
	}
	return o.Handler(server, func(method string, u *url.URL) string {
		found, _ := server.FindPath(method, u)
		return found.PathPattern()
	}), nil
}

// pages implements mobileapi.Handler and mobileapi.SecurityHandler.
type pages struct{ page.Options }

var (
	_ mobileapi.Handler         = (*pages)(nil)
	_ mobileapi.SecurityHandler = (*pages)(nil)
)

// HandleBearer finds out who asks.
func (p *pages) HandleBearer(ctx context.Context, _ mobileapi.OperationName, b mobileapi.Bearer) (context.Context, error) {
	return page.Identify(ctx, b.Request)
}

// NewError answers err as problem details.
func (p *pages) NewError(ctx context.Context, err error) *mobileapi.ProblemStatusCodeWithHeaders {
	d, retry := p.Failure(ctx, err)
	out := &mobileapi.ProblemStatusCodeWithHeaders{
		StatusCode: d.Status,
		Response:   mobileapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail},
	}
	if retry > 0 {
		out.RetryAfter.SetTo(retry)
	}
	if d.Parameter != "" {
		out.Response.Parameter.SetTo(d.Parameter)
	}
	if d.Upstream != "" {
		out.Response.Upstream.SetTo(d.Upstream)
	}
	return out
}
