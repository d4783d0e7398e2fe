package quota

import (
	"context"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

// partly is a store of which one of several servers fails.
type partly struct {
	verdict limiter.Verdict
	asked   *limiter.Request
}

func (p partly) Take(_ context.Context, req limiter.Request) (limiter.Verdict, error) {
	*p.asked = req
	return p.verdict, nil
}

// What a limit's server did not say is in no header, and what this node denied alone is
// not remembered as if Redis had.
func TestPartlyWithoutRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, policy string
		verdict      limiter.Verdict
		status       int
		limits       string
		alone        bool
	}{
		{
			"allow", OnErrorAllow,
			limiter.Verdict{Allowed: true, Partly: true, Results: []limiter.Result{{Fits: true, Remaining: 1}, {Fits: true, Unasked: true}, {Fits: true}}},
			0, `"tenant";r=1;t=0, "user-default";r=0;t=0`, false,
		},
		{
			"local", OnErrorLocal,
			limiter.Verdict{Partly: true, Results: []limiter.Result{{Fits: true, Remaining: 1}, {Retry: time.Second, Reset: time.Second}, {Fits: true}}},
			503, `"tenant";r=1;t=0, "backend";r=0;t=1, "user-default";r=0;t=0`, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := inMemory(t)
			d.settings.OnRedisError = tt.policy
			d, err := New(d.settings, d.backend)
			if err != nil {
				t.Fatal(err)
			}
			consumer := identity.Consumer{ID: "c", CustomID: "acme"}
			request := Request{Evidence: identity.Evidence{Consumer: consumer, CredentialID: "k"}}
			var asked limiter.Request
			d.backend.Store = partly{tt.verdict, &asked}
			for range 2 {
				asked = limiter.Request{}
				made := d.Decide(t.Context(), request)
				if made.Status != tt.status || made.Client[headerLimit][0] != tt.limits {
					t.Errorf("status %d, limits %s; want %d, %s", made.Status, made.Client[headerLimit], tt.status, tt.limits)
				}
				if asked.Descriptors == nil || (asked.Alone != nil) != tt.alone {
					t.Errorf("asked %+v", asked)
				}
			}
		})
	}
}
