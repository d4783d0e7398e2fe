// Package web is the BFF of the web application: a handler a page, which gets
// the page's parts side by side, maps them, and answers. It decides nothing and
// stores nothing.
package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gatehousehq/gatehouse/bff/openapi/webapi"
	"github.com/gatehousehq/gatehouse/bff/page"
	"github.com/gatehousehq/gatehouse/internal/contract"
)

// New returns the handler of every path in the web contract (bff/openapi/web.yaml).
func New(o page.Options) (http.Handler, error) {
	p := &pages{o}
	server, err := webapi.NewServer(p, p,
		webapi.WithErrorHandler(contract.HandleError),
		webapi.WithNotFound(contract.HandleNotFound),
		webapi.WithMethodNotAllowed(page.HandleMethodNotAllowed))
	if err != nil {
		return nil, fmt.Errorf("set up web API: %w", err)
	}
	return o.Handler(server, func(method string, u *url.URL) string {
		found, _ := server.FindPath(method, u)
		return found.PathPattern()
	}), nil
}

// pages implements webapi.Handler and webapi.SecurityHandler.
type pages struct{ page.Options }

var (
	_ webapi.Handler         = (*pages)(nil)
	_ webapi.SecurityHandler = (*pages)(nil)
)

// HandleBearer finds out who asks.
func (p *pages) HandleBearer(ctx context.Context, _ webapi.OperationName, b webapi.Bearer) (context.Context, error) {
	return page.Identify(ctx, b.Request)
}

// NewError answers err as problem details.
func (p *pages) NewError(ctx context.Context, err error) *webapi.ProblemStatusCodeWithHeaders {
	d, retry := p.Failure(ctx, err)
	out := &webapi.ProblemStatusCodeWithHeaders{
		StatusCode: d.Status,
		Response:   webapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail},
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
