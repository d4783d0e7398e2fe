package services

import (
	"context"
	"net/http"

	"github.com/gatehousehq/gatehouse/bff/openapi/billingapi"
	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// defaultCurrency is that of an account without invoices.
const defaultCurrency = "EUR"

// billing implements billingapi.Handler.
type billing struct{ data dataset }

var _ billingapi.Handler = billing{}

func newBilling(data dataset) (api, error) {
	server, err := billingapi.NewServer(billing{data}, billingapi.WithErrorHandler(contract.HandleError),
		billingapi.WithNotFound(contract.HandleNotFound), billingapi.WithMethodNotAllowed(contract.HandleMethodNotAllowed))
	return api{Handler: server, route: func(r *http.Request) string {
		found, _ := server.FindPath(r.Method, r.URL)
		return found.PathPattern()
	}}, err
}

// GetSummary serves GET /v1/summary.
func (s billing) GetSummary(_ context.Context, p billingapi.GetSummaryParams) (*billingapi.Summary, error) {
	sum := summarize(s.data[p.XTenantID].invoices)
	return &sum, nil
}

// ListInvoices serves GET /v1/invoices.
func (s billing) ListInvoices(_ context.Context, p billingapi.ListInvoicesParams) (*billingapi.InvoicePage, error) {
	id := func(i billingapi.Invoice) string { return i.ID }
	cut, next, err := page(s.data[p.XTenantID].invoices, id, p.Cursor.Or(""), p.Limit.Or(defaultLimit))
	if err != nil {
		return nil, err
	}
	out := &billingapi.InvoicePage{Items: append([]billingapi.Invoice{}, cut...)}
	if next != "" {
		out.NextCursor.SetTo(next)
	}
	return out, nil
}

// NewError answers err as problem details.
func (billing) NewError(_ context.Context, err error) *billingapi.ProblemStatusCode {
	d := problem.From(err)
	body := billingapi.Problem{Type: d.Type, Title: d.Title, Status: d.Status, Detail: d.Detail}
	if d.Parameter != "" {
		body.Parameter.SetTo(d.Parameter)
	}
	return &billingapi.ProblemStatusCode{StatusCode: d.Status, Response: body}
}

// summarize adds up what is to be paid. invoices are newest first and of one
// currency; the next due is the oldest open one that is not overdue yet.
func summarize(invoices []billingapi.Invoice) billingapi.Summary {
	sum := billingapi.Summary{Balance: billingapi.Money{Currency: defaultCurrency}}
	for _, invoice := range invoices {
		sum.Balance.Currency = invoice.Amount.Currency
		switch invoice.Status {
		case billingapi.InvoiceStatusOverdue:
			sum.OverdueInvoices++
		case billingapi.InvoiceStatusOpen:
			sum.NextDue.SetTo(invoice)
		default:
			continue
		}
		sum.OpenInvoices++
		sum.Balance.AmountMinor += invoice.Amount.AmountMinor
	}
	return sum
}
