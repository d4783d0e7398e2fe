package probe

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOK(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	if err := OK(t.Context(), server.URL); err != nil {
		t.Errorf("status 200: %v", err)
	}
	status = http.StatusServiceUnavailable
	if err := OK(t.Context(), server.URL); err == nil {
		t.Error("status 503 is no error")
	}
	server.Close()
	if err := OK(t.Context(), server.URL); err == nil {
		t.Error("a server that is away is no error")
	}
}
