package devgateway

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/refusals"
)

// TestRefusedRequestsAreLogged: what net/http refuses, before there is a handler, has an
// access line as nginx's refusals have.
func TestRefusedRequestsAreLogged(t *testing.T) {
	t.Parallel()
	for _, r := range refusals.All {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			h := start(t, "", nil, nil)
			answer, err := r.Send(t.Context(), strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(10 * time.Second); h.access.String() == "" && time.Now().Before(end); {
				time.Sleep(time.Millisecond) // the gateway finds out by itself that a client hung up
			}
			h.stop()
			line := h.access.String()
			if strings.Count(line, "\n") != 1 {
				t.Fatalf("logged %q, want one line", line)
			}
			if answer.Status >= 100 && answer.Status < 400 || strings.Contains(line, `" 200 `) {
				t.Errorf("answered %d, logged %s", answer.Status, line)
			}
		})
	}
}

// TestServedRequestsAreLoggedOnce: a connection that served requests, or none, leaves no
// line of its own.
func TestServedRequestsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	h := start(t, "", nil, nil)
	for range 3 {
		h.get("/nowhere")
	}
	h.stop()
	if n := strings.Count(h.access.String(), "\n"); n != 3 {
		t.Errorf("%d lines of 3 requests: %s", n, h.access)
	}
}
