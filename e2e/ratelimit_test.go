package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// freeQuota is what kong.yaml's plan free admits at once; the suite sends a few more.
const freeQuota = 30

func TestTenantOverItsLimit(t *testing.T) {
	// A tenant of its own, so that runs and tests do not spend each other's budget.
	tenant := fmt.Sprintf("e2e-%d", time.Now().UnixNano())
	poor := issued(t, devtoken.Mobile, devtoken.Claims{Tenant: tenant, User: "u1", Plan: "free"})

	// A trip to Redis that a busy gateway gave up may have been charged there and here:
	// it is given back within a second.
	var denied answer
	allowed := 0
	for began := time.Now(); allowed < 3*freeQuota; {
		a := get(t, "/mobile/v1/home", poor)
		if a.status == http.StatusTooManyRequests {
			denied = a
			if allowed >= freeQuota || time.Since(began) > 5*time.Second {
				break
			}
			time.Sleep(100 * time.Millisecond)
			continue
		}
		a.wantStatus(t, http.StatusOK)
		wantRateLimit(t, a)
		allowed++
	}
	if denied.status == 0 {
		t.Fatalf("%d requests passed, want a 429 after about %d", allowed, freeQuota)
	}
	if allowed < freeQuota {
		t.Errorf("%d requests passed, want at least the quota of %d", allowed, freeQuota)
	}
	wantRateLimit(t, denied)
	wantHeader(t, denied.header, "Content-Type", "application/problem+json")
	if after, err := strconv.Atoi(denied.header.Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("Retry-After = %q, want whole seconds, at least 1", denied.header.Get("Retry-After"))
	}
	var problem struct {
		Type     string   `json:"type"`
		Status   int      `json:"status"`
		Violated []string `json:"violated-policies"`
	}
	denied.into(t, &problem)
	if problem.Status != http.StatusTooManyRequests || !strings.HasSuffix(problem.Type, "#quota-exceeded") || len(problem.Violated) == 0 {
		t.Errorf("problem = %s, want quota-exceeded and the violated policies", denied.body)
	}

	t.Run("another user of the tenant is over it too", func(t *testing.T) {
		other := issued(t, devtoken.Mobile, devtoken.Claims{Tenant: tenant, User: "u2", Plan: "free"})
		for range 3 {
			if get(t, "/mobile/v1/home", other).status == http.StatusTooManyRequests {
				return
			}
		}
		t.Error("3 requests of another user passed")
	})
	t.Run("another tenant is not", func(t *testing.T) {
		other := issued(t, devtoken.Mobile, devtoken.Claims{Tenant: tenant + "-other", User: "u1", Plan: "free"})
		get(t, "/mobile/v1/home", other).wantStatus(t, http.StatusOK)
	})
}

func wantRateLimit(t *testing.T, a answer) {
	t.Helper()
	for _, name := range []string{"RateLimit", "RateLimit-Policy"} {
		if a.header.Get(name) == "" {
			t.Errorf("status %d has no %s header", a.status, name)
		}
	}
}
