package httpjson_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/httpjson"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	httpjson.Write(w, 201, "application/vnd.a+json", map[string]int{"n": 1})
	if got := w.Header().Get("Content-Type"); w.Code != 201 || got != "application/vnd.a+json" || w.Body.String() != `{"n":1}` {
		t.Errorf("status %d, Content-Type %q, body %q", w.Code, got, w.Body)
	}
}
