package sunsetheaders_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
)

// TestDegraded: a config with a mistake in it refuses nobody, also after what may be the
// end, and announces what is certain.
func TestDegraded(t *testing.T) {
	t.Parallel()
	const deprecation, sunset = "@1768435200", "Wed, 30 Jun 2027 00:00:00 GMT"
	successor := `</partner/v2/orders>; rel="successor-version"`
	tests := []struct {
		name string
		edit func(*sunsetheaders.Config)
		want http.Header
	}{
		{"no such day", func(c *sunsetheaders.Config) { c.SunsetAt = "2027-02-31" }, http.Header{"Deprecation": {deprecation}, "Link": {successor}}},
		{"the zero time", func(c *sunsetheaders.Config) { c.SunsetAt = "0001-01-01" }, http.Header{"Deprecation": {deprecation}, "Link": {successor}}},
		{"an end that no header can say", func(c *sunsetheaders.Config) { c.SunsetAt = "9999-12-31T23:59:59-23:59" }, http.Header{"Deprecation": {deprecation}, "Link": {successor}}},
		{"no such day of deprecation", func(c *sunsetheaders.Config) { c.DeprecatedAt = "2026-02-30" }, http.Header{"Sunset": {sunset}, "Link": {successor}}},
		{"ends before it is deprecated", func(c *sunsetheaders.Config) { c.SunsetAt = "2025-01-01" }, http.Header{"Link": {successor}}},
		{"no date at all", func(c *sunsetheaders.Config) { c.DeprecatedAt, c.SunsetAt, c.Successor = "", "", "" }, http.Header{}},
		{"policy of an end that is none", func(c *sunsetheaders.Config) { c.SunsetAt, c.Policy = "2027-02-31", "/policy" },
			http.Header{"Deprecation": {deprecation}, "Link": {successor + `, </policy>; rel="deprecation"`}}},
		{"policy of dates that disagree", func(c *sunsetheaders.Config) { c.SunsetAt, c.Policy = "2025-01-01", "/policy" }, http.Header{"Link": {successor}}},
		{"successor that breaks out", func(c *sunsetheaders.Config) { c.Successor = "/v2>; rel=x" }, http.Header{"Deprecation": {deprecation}, "Sunset": {sunset}}},
		{"successor with a password", func(c *sunsetheaders.Config) { c.Successor = "https://user:pw@h/" }, http.Header{"Deprecation": {deprecation}, "Sunset": {sunset}}},
		{"successor with two slashes", func(c *sunsetheaders.Config) { c.Successor = "/{+rest}" }, http.Header{"Deprecation": {deprecation}, "Sunset": {sunset}}},
		{"brownout that ends first", func(c *sunsetheaders.Config) {
			c.Brownouts = []sunsetheaders.Brownout{{StartAt: "2027-06-29", DurationSeconds: 60}, {StartAt: "2027-06-28", EndAt: "2027-06-27"}}
		}, http.Header{"Deprecation": {deprecation}, "Sunset": {sunset}, "Link": {successor}}},
		{"exemption until the zero time", func(c *sunsetheaders.Config) {
			c.Exemptions = []sunsetheaders.Exemption{{Consumer: "initech", Until: "0001-01-01"}}
		}, http.Header{"Deprecation": {deprecation}, "Link": {successor}}},
		{"exemption until no day", func(c *sunsetheaders.Config) {
			c.Exemptions = []sunsetheaders.Exemption{{Consumer: "initech", Until: "2027-09-31"}}
		}, http.Header{"Deprecation": {deprecation}, "Link": {successor}}},
	}
	for _, tt := range tests {
		for at, now := range map[string]time.Time{"before": before, "after": end.Add(time.Hour)} {
			t.Run(tt.name+" "+at, func(t *testing.T) {
				t.Parallel()
				runtime, err := sunsetheaders.NewRuntime(sunsetheaders.Options{Now: clock(now)})
				if err != nil {
					t.Fatal(err)
				}
				config := runtime.New().(*sunsetheaders.Config)
				config.DeprecatedAt, config.SunsetAt, config.Successor = "2026-01-15", "2027-06-30", "/partner/v2/orders"
				tt.edit(config)
				if err = config.Provision(); err == nil {
					t.Fatal("Provision has nothing to say")
				}
				config.Degrade(err)
				wantPassed(t, kongtest.Run(t, config.Access, partner()), tt.want)
			})
		}
	}
}

// TestDegradedBeforeProvision: a config that could not be decoded says nothing.
func TestDegradedBeforeProvision(t *testing.T) {
	t.Parallel()
	runtime, err := sunsetheaders.NewRuntime(sunsetheaders.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := runtime.New().(*sunsetheaders.Config)
	config.Degrade(errors.New("decode config"))
	wantPassed(t, kongtest.Run(t, config.Access, partner()), http.Header{})
}

func wantPassed(t *testing.T, effects kongtest.Effects, want http.Header) {
	t.Helper()
	if effects.Exit != nil {
		t.Fatalf("the request is answered %d: %s", effects.Exit.Status, effects.Exit.Body)
	}
	if diff := cmp.Diff(want, effects.Response.Headers, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("response headers (-want +got):\n%s", diff)
	}
	words := []kongtest.KV{{Key: "gatehouse.sunset-headers", Value: "degraded"}}
	if diff := cmp.Diff(words, effects.Serialized); diff != "" {
		t.Errorf("log fields (-want +got):\n%s", diff)
	}
}
