package e2e

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// TestAllTargetsDown wants a 503 that says when to come back and which trace to ask for,
// until a target is back.
func TestAllTargetsDown(t *testing.T) {
	notShort(t)
	needHere(t)
	backends := newBackends(t)
	restore := useConfig(t, func(config map[string]any) {
		addDying(t, config, []any{dyingService("down-0", 1)}, [][2]*backend{backends})
	})
	defer restore()
	get(t, "/down-0").wantStatus(t, http.StatusOK)
	for _, b := range backends {
		b.die()
	}
	var a answer
	eventually(t, "503", func() bool {
		a = get(t, "/down-0", "Accept: application/json")
		return a.status != http.StatusBadGateway
	})
	a.wantStatus(t, http.StatusServiceUnavailable)
	wantProblem(t, a, "failure to get a peer from the ring-balancer")
	wantHeader(t, a.header, "Retry-After", "10")
	a.traceID(t)
	for _, b := range backends {
		b.revive(t)
	}
	eventuallyWithin(t, backWithin, "200", func() bool { return get(t, "/down-0").status == http.StatusOK })
}

// TestRetryAfterOnce: a service's own 503 is left as it is, and so is what a service says
// itself.
func TestRetryAfterOnce(t *testing.T) {
	for status, body := range map[int]string{
		http.StatusServiceUnavailable: `{"status": 503}`, http.StatusTooManyRequests: `{"status": 429}`,
	} {
		fault(t, "orders", body)
		a := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, status)
		if got := a.header.Values("Retry-After"); len(got) > 0 {
			t.Errorf("status %d of the service's: Retry-After %q, want none", status, got)
		}
	}
}

// TestNotFoundIsAProblem: Kong's own errors all have the one body.
func TestNotFoundIsAProblem(t *testing.T) {
	a := get(t, "/nowhere", "Accept: application/json").wantStatus(t, http.StatusNotFound)
	wantProblem(t, a, "no Route matched with those values")
	wantHeader(t, a.header, "Retry-After")
	if a = get(t, "/nowhere", "Accept: text/plain"); strings.HasPrefix(string(a.body), "{") {
		t.Errorf("a client of plain text got %s", a.body)
	}
}

func wantProblem(t *testing.T, a answer, detail string) {
	t.Helper()
	wantHeader(t, a.header, "Content-Type", "application/json; charset=utf-8")
	var problem map[string]string
	a.into(t, &problem)
	want := map[string]string{
		"type": "urn:gatehouse:problem:gateway", "title": "Answered by the gateway",
		"detail": detail, "request_id": a.header.Get("X-Kong-Request-Id"),
	}
	if !maps.Equal(problem, want) {
		t.Errorf("body %v, want %v", problem, want)
	}
}
