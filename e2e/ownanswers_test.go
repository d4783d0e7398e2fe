package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
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

// TestTargetFails wants a 502 and a 504 of the gateway's own that say when to come back,
// with and without a retry.
func TestTargetFails(t *testing.T) {
	needHere(t)
	mute, dead := newBackends(t), newBackends(t)
	var failing []any
	var backends [][2]*backend
	for retries := range 2 {
		failing = append(failing, dyingService("mute-"+strconv.Itoa(retries), retries), dyingService("dead-"+strconv.Itoa(retries), retries))
		backends = append(backends, mute, dead)
	}
	restore := useConfig(t, func(config map[string]any) { addDying(t, config, failing, backends) })
	defer restore()
	for _, b := range mute {
		b.mood.Store(hanging)
	}
	for _, b := range dead {
		b.die()
	}
	for retries := range 2 {
		for path, status := range map[string]int{"/mute-": http.StatusGatewayTimeout, "/dead-": http.StatusBadGateway} {
			a := get(t, path+strconv.Itoa(retries)).wantStatus(t, status)
			wantHeader(t, a.header, "Retry-After", "1")
		}
	}
}

// TestRetryAfterOnce: what a service answers is left as it is, whether it says when to come
// back or not.
func TestRetryAfterOnce(t *testing.T) {
	for _, status := range []int{429, 502, 503, 504} {
		fault(t, services.Orders, fmt.Sprintf(`{"status": %d}`, status))
		a := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, status)
		wantHeader(t, a.header, "Retry-After")
	}
	a := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusBadGateway)
	wantHeader(t, a.header, "Retry-After", "1")
}

// TestHeaderTwice: nginx refuses two of a header that it takes in one line only.
func TestHeaderTwice(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Content-Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	} {
		a := get(t, "/nowhere", "Accept: application/json", name+": a", name+": b")
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, a.status)
			continue
		}
		wantProblem(t, a, "Bad request")
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
