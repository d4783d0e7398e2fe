package contract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/ogen-go/ogen/ogenerrors"
	"github.com/ogen-go/ogen/validate"

	"github.com/gatehousehq/gatehouse/internal/contract"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

func TestHandleError(t *testing.T) {
	t.Parallel()
	param := func(name string) error {
		return &ogenerrors.DecodeParamsError{Err: &ogenerrors.DecodeParamError{Name: name, In: "query", Err: validate.ErrFieldRequired}}
	}
	for name, tc := range map[string]struct {
		err       error
		status    int
		kind      string
		parameter string
	}{
		"no tenant":         {param("X-Tenant-Id"), 401, problem.TypeIdentityMissing, "X-Tenant-Id"},
		"no user":           {param("X-User-Id"), 401, problem.TypeIdentityMissing, "X-User-Id"},
		"another parameter": {param("limit"), 400, problem.TypeInvalidParameter, "limit"},
		"anything else":     {fmt.Errorf("get page: %w", problem.NotFound("such order")), 404, problem.TypeNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			contract.HandleError(context.Background(), w, nil, tc.err)
			var got problem.Details
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != tc.status || got.Status != tc.status || got.Type != tc.kind || got.Parameter != tc.parameter {
				t.Errorf("HandleError(%v): status %d, %+v, want status %d, type %s, parameter %q", tc.err, w.Code, got, tc.status, tc.kind, tc.parameter)
			}
			if got.Title == "" || got.Detail == "" {
				t.Errorf("HandleError(%v): title %q, detail %q: want both", tc.err, got.Title, got.Detail)
			}
		})
	}
}
