// Package contract answers, as problem details, what breaks an OpenAPI contract. Its
// functions are the handlers that ogen's servers take for that.
package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/ogen-go/ogen/ogenerrors"
	"github.com/ogen-go/ogen/validate"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// identityHeaders are issued by the gateway: where one is missing or unusable
// the caller came around the gateway, which is no mistake in the request.
var identityHeaders = map[string]bool{"X-Tenant-Id": true, "X-User-Id": true}

// details reads the errors of ogen's request decoding: 401 for the identity
// headers, 400 for any other parameter.
func details(err error) *problem.Details {
	param, ok := errors.AsType[*ogenerrors.DecodeParamError](err)
	if !ok {
		return problem.From(err)
	}
	if identityHeaders[param.Name] {
		return IdentityMissing(param.Name, reason(param.Err))
	}
	return problem.InvalidParameter(param.Name,
		fmt.Sprintf("Parameter %s (%s): %s. Send it within its bounds or leave it out.", param.Name, param.In, reason(param.Err)))
}

// IdentityMissing says why a header that the gateway issues is of no use.
func IdentityMissing(header, why string) *problem.Details {
	d := problem.New(problem.TypeIdentityMissing, "Identity missing", http.StatusUnauthorized,
		fmt.Sprintf("Header %s: %s. The gateway sets it from a verified token or key; call through the gateway.", header, why))
	d.Parameter = header
	return d
}

// reason says what is wrong with a parameter in the API's words, not in those of
// the code that found it.
func reason(err error) string {
	if invalid, ok := errors.AsType[*validate.Error](err); ok && len(invalid.Fields) > 0 {
		err = invalid.Fields[0].Error
	}
	if errors.Is(err, validate.ErrFieldRequired) {
		return "it is missing"
	}
	if number, ok := errors.AsType[*strconv.NumError](err); ok {
		return fmt.Sprintf("%q is no number that fits", number.Num)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// HandleError is the error handler of ogen's servers.
func HandleError(_ context.Context, w http.ResponseWriter, _ *http.Request, err error) {
	problem.Write(w, details(err))
}

// HandleNotFound answers requests that no operation of a contract matches.
func HandleNotFound(w http.ResponseWriter, _ *http.Request) {
	problem.Write(w, problem.NotFound("such resource"))
}

// HandleMethodNotAllowed answers a method that a resource does not have;
// allowed is the value of the Allow header (RFC 9110, 15.5.6).
func HandleMethodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	problem.Write(w, problem.New(problem.TypeMethodNotAllowed, "Method not allowed", http.StatusMethodNotAllowed,
		fmt.Sprintf("Use %s instead of %s.", allowed, r.Method)))
}
