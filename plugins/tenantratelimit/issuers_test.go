package tenantratelimit

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// believing is [generous] with the issuers of the table, and any others.
func believing(t *testing.T, more ...identity.Issuer) string {
	t.Helper()
	list, err := json.Marshal(append(identitytest.Issuers(), more...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(generous, `{`, `{"identity":{"issuers":`+string(list)+`},`, 1)
}

// TestIssuers: a token that does not fit its issuer's entry is answered 401, charged to
// nobody, counted by what does not fit, and noted for the audit record.
func TestIssuers(t *testing.T) {
	t.Parallel()
	for _, f := range identitytest.Faults(noon) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			r, server := counting(t)
			config := patient(t, r, believing(t))
			effects := kongtest.Run(t, config.Access, kongrequesttest.Asking(kongtest.Request{Headers: forged()}, &f.Case))
			if f.Want == "" {
				if effects.Exit != nil || effects.Service.Headers.Get("X-Tenant-Id") != "acme" || len(server.Keys()) == 0 {
					t.Errorf("exit %+v, headers %v, counters %v; want it admitted as acme's", effects.Exit, effects.Service.Headers, server.Keys())
				}
				return
			}
			checkDistrusted(t, &effects)
			for _, key := range server.Keys() {
				if strings.Contains(key, ":tenant:") || strings.Contains(key, "acme") {
					t.Errorf("there is a counter at %s", key)
				}
			}
			for _, fault := range identity.Faults() {
				want := map[bool]float64{true: 1}[fault == f.Want]
				if got := testutil.ToFloat64(r.metrics.distrusted.WithLabelValues(string(fault))); got != want {
					t.Errorf("counted %v times as %s, want %v", got, fault, want)
				}
			}
		})
	}
}

func checkDistrusted(t *testing.T, effects *kongtest.Effects) {
	t.Helper()
	if effects.Exit == nil || effects.Exit.Status != http.StatusUnauthorized {
		t.Fatalf("exit %+v, want 401", effects.Exit)
	}
	var body problem.Document
	if err := json.Unmarshal(effects.Exit.Body, &body); err != nil || body.Type != problem.TypeInvalidToken || body.Status != http.StatusUnauthorized || body.Detail == "" {
		t.Errorf("body %s, %v", effects.Exit.Body, err)
	}
	challenge := effects.Exit.Headers.Get("WWW-Authenticate")
	if !strings.HasPrefix(challenge, `Bearer error="invalid_token", error_description="`) || effects.Exit.Headers.Get("Content-Type") != problem.ContentType {
		t.Errorf("headers %v", effects.Exit.Headers)
	}
	notes := map[string]any{}
	for _, kv := range effects.Serialized {
		notes[kv.Key] = kv.Value
	}
	if diff := cmp.Diff(map[string]any{"gatehouse.tenant-rate-limit": "refused", "gatehouse.token-refused": true}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestIssuersWithAMistake: of a consumer that two entries name no token is believed, and
// another's are; so it stays when Redis fails.
func TestIssuersWithAMistake(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	config := decode(t, r, believing(t, identity.Issuer{Consumer: identitytest.Issuer.Username, ISS: "https://evil.example", Audiences: []string{"gatehouse"}}))
	err := config.Provision()
	if err == nil || !strings.Contains(err.Error(), `identity.issuers[2].consumer: "web-app" is that of [0]`) {
		t.Fatalf("error %v", err)
	}
	config.Degrade(err)
	for _, redis := range []string{"well", "gone"} {
		for _, f := range identitytest.Faults(noon)[:2] {
			effects := kongtest.Run(t, config.Access, kongrequesttest.Asking(kongtest.Request{}, &f.Case))
			if believed := f.Consumer.ID != identitytest.Issuer.ID; believed != (effects.Exit == nil) {
				t.Errorf("%s, Redis is %s: exit %+v", f.Name, redis, effects.Exit)
			}
		}
		server.Close()
	}
}

// TestIssuersAndKeys: who comes with a key has no token to fit anything.
func TestIssuersAndKeys(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	config := patient(t, r, believing(t))
	for _, req := range []kongtest.Request{partner, {ClientIP: "203.0.113.9"}} {
		if effects := kongtest.Run(t, config.Access, req); effects.Exit != nil {
			t.Errorf("exit %+v", effects.Exit)
		}
	}
}

// TestIssuersByTheClock: a token is good until its time is over, whenever the config began.
func TestIssuersByTheClock(t *testing.T) {
	t.Parallel()
	at := noon
	server := miniredis.RunT(t)
	server.SetTime(noon)
	r, err := NewRuntime(Options{RedisURL: "redis://" + server.Addr(), Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	config := patient(t, r, believing(t))
	good := identitytest.Faults(noon)[0]
	for after, want := range map[time.Duration]bool{0: true, 59 * time.Second: true, 60 * time.Second: false} {
		at = noon.Add(after)
		effects := kongtest.Run(t, config.Access, kongrequesttest.Asking(kongtest.Request{}, &good.Case))
		if (effects.Exit == nil) != want {
			t.Errorf("after %v: exit %+v, want it admitted: %v", after, effects.Exit, want)
		}
	}
}
