package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/gatehousehq/gatehouse/bff/openapi"
)

const partnerAPI = "/partner/"

// partnerContract finds the operation of the partners' contract that a request is for.
var partnerContract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Partner)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // the gateway is another one each time
	return legacy.NewRouter(doc)
})

// wantContract holds an answer of the partner API, by whatever test it was asked for, to the
// contract: its status, its headers and its body. What is not in the contract is refused.
func wantContract(t *testing.T, req *http.Request, a answer) {
	t.Helper()
	if _, may := mistaken.Load(t.Name()); may {
		return
	}
	if err := breaksContract(req, a); err != nil {
		t.Errorf("%s %s answers what partners were not told of: %v", req.Method, req.URL.Path, err)
	}
}

// mistaken are the tests whose gateway has a mistake that breaks the contract.
var mistaken sync.Map

// mayBreakContract says that a test's config says other things than the contract.
func mayBreakContract(t *testing.T) {
	t.Helper()
	mistaken.Store(t.Name(), true)
	t.Cleanup(func() { mistaken.Delete(t.Name()) })
}

func breaksContract(req *http.Request, a answer) error {
	contract, err := partnerContract()
	if err != nil {
		return err
	}
	route, params, err := contract.FindRoute(req)
	if err != nil {
		if a.status >= http.StatusBadRequest && a.status < http.StatusInternalServerError {
			return nil
		}
		return err
	}
	if route.Operation.Responses.Status(a.status) == nil { // of redirects the filter says nothing
		return fmt.Errorf("status %d is not in the contract", a.status)
	}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	return openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: &openapi3filter.Options{MultiError: true},
	})
}

// TestPartnersContractIsHeld asks for each operation of it, and for what can go wrong with it.
func TestPartnersContractIsHeld(t *testing.T) {
	const v2 = "Accept: application/vnd.gatehouse.v2+json"
	for name, tt := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"v1":             {"/partner/v1/orders?limit=2", []string{partnerKey}, http.StatusOK},
		"v1, an order":   {"/partner/v1/orders/globex-1001", []string{partnerKey}, http.StatusOK},
		"v1, no order":   {"/partner/v1/orders/none", []string{partnerKey}, http.StatusNotFound},
		"v2":             {"/partner/v2/orders?limit=2", []string{partnerKey}, http.StatusOK},
		"v2, an order":   {"/partner/v2/orders/globex-1001", []string{partnerKey}, http.StatusOK},
		"by Accept":      {"/partner/orders?limit=2", []string{partnerKey, v2}, http.StatusOK},
		"an order by it": {"/partner/orders/globex-1001", []string{partnerKey, v2}, http.StatusOK},
		"bad cursor":     {"/partner/v2/orders?cursor=x", []string{partnerKey}, http.StatusBadRequest},
		"bad limit":      {"/partner/v1/orders?limit=0", []string{partnerKey}, http.StatusBadRequest},
		"no key":         {"/partner/v2/orders", nil, http.StatusUnauthorized},
		"no version":     {"/partner/v9/orders", []string{partnerKey}, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			get(t, tt.path, tt.headers...).wantStatus(t, tt.status) // which holds it to the contract
		})
	}
}

// TestRefusalsKeepPartnersContract: so does what the gateway refuses, of a version that has
// ended and of a partner whose limit is used up.
func TestRefusalsKeepPartnersContract(t *testing.T) {
	for status, change := range map[int]mistake{
		http.StatusGone: {"ended", "sunset-headers", fields{"sunset_at": "2026-06-30"}},
		http.StatusTooManyRequests: {"used up", "tenant-rate-limit", fields{"limits": []fields{
			{"name": "one-of-partners", "scope": []string{"tenant"}, "limit": 1, "window_seconds": 60},
		}}},
	} {
		t.Run(change.name, func(t *testing.T) {
			defer useConfig(t, change.make)()
			get(t, "/partner/v1/orders", partnerKey)
			get(t, "/partner/v1/orders", partnerKey).wantStatus(t, status)
		})
	}
}

// TestBreaksOfPartnersContractAreSeen: what the contract has not is told.
func TestBreaksOfPartnersContractAreSeen(t *testing.T) {
	path := "/partner/v1/orders/globex-1001"
	good := get(t, path, partnerKey).wantStatus(t, http.StatusOK)
	for name, tt := range map[string]struct {
		path  string
		spoil func(*answer)
	}{
		"a field that is missing":  {path, func(a *answer) { a.body = bytes.Replace(a.body, []byte(`"currency"`), []byte(`"money"`), 1) }},
		"a field of another type":  {path, func(a *answer) { a.body = bytes.Replace(a.body, []byte(`"items":`), []byte(`"items":"many","i":`), 1) }},
		"a status that is not one": {path, func(a *answer) { a.status = http.StatusTeapot }},
		"a redirect":               {path, func(a *answer) { a.status = http.StatusPermanentRedirect }},
		"a header that is missing": {path, func(a *answer) { a.header.Del("Sunset") }},
		"a header of another form": {path, func(a *answer) { a.header.Set("Deprecation", "true") }},
		"another media type":       {path, func(a *answer) { a.header.Set("Content-Type", "text/html") }},
		"a path of its own":        {"/partner/v1/debug", func(*answer) {}},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.proxy+tt.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			spoiled := answer{status: good.status, header: good.header.Clone(), body: bytes.Clone(good.body)}
			tt.spoil(&spoiled)
			if err := breaksContract(req, spoiled); err == nil {
				t.Error("it is taken to keep the contract")
			}
		})
	}
}
