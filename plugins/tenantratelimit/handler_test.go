package tenantratelimit

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk/entities"
	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// noon is when every test of answers happens.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 250_000_000, time.UTC)

// counting is a runtime with a Redis whose clock stands at noon.
func counting(t testing.TB) (*Runtime, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	server.SetTime(noon)
	r, err := NewRuntime(Options{
		RedisURL: "redis://" + server.Addr(),
		Logger:   slog.New(slog.DiscardHandler),
		Now:      func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	return r, server
}

// counters are the keys of a Redis but the nodes' own.
func counters(server *miniredis.Miniredis) []string {
	return slices.DeleteFunc(server.Keys(), func(key string) bool { return key == "gatehouse:{nodes}" })
}

// patient makes a config that gives Redis all the time that a busy machine needs.
func patient(t testing.TB, r *Runtime, config string) *Config {
	t.Helper()
	c := decode(t, r, config)
	c.Redis.TimeoutMS = 1000
	if err := c.Provision(); err != nil {
		t.Fatalf("%v in %s", err, config)
	}
	return c
}

// verifiedToken is where Kong's jwt plugin leaves the token that it accepted.
const verifiedToken = "authenticated_jwt_token"

// jwt is a token that Kong's jwt plugin has verified.
func jwt(payload string) map[string]any {
	return map[string]any{verifiedToken: "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"}
}

var (
	alice   = kongtest.Request{Shared: jwt(`{"tenant":"acme","sub":"alice","plan":"gold"}`)}
	partner = kongtest.Request{
		Consumer:     &entities.Consumer{Id: "c1", Username: "bot", CustomId: "initech"},
		CredentialID: "k1",
	}
)

// generous limits nobody in a test of identities.
const generous = `{"limits":[{"name":"tenant","scope":["tenant"],"limit":1000,"window_seconds":60}]}`

// grouping is partner in a group, where acl tells the service.
var grouping = kongtest.Request{
	Consumer: partner.Consumer, CredentialID: partner.CredentialID,
	Headers: http.Header{"X-Consumer-Groups": {"partners"}, "X-Consumer-Id": {"c1"}},
	Ctx:     map[string]any{"cached_request_headers": map[string]any{"accept": "*/*"}},
}

// forged is what a client might send to be somebody else.
func forged() http.Header {
	h := http.Header{"Authorization": {"Bearer " + alice.Shared[verifiedToken].(string)}, "Accept": {"*/*"}}
	for _, name := range []string{
		"X-Tenant-Id", "X_tenant_id", "X-User-Id", "X-Plan",
		"X-Consumer-Id", "X-Consumer-Custom-Id", "X-Consumer-Username", "X-Consumer-Groups", "X-Consumer-Role",
		"X-Credential-Identifier", "X-Anonymous-Consumer",
	} {
		h[name] = []string{"forged", "twice"}
	}
	return h
}

func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config string
		req    kongtest.Request
		want   http.Header // without Authorization and Accept
	}{
		{"token", generous, alice, http.Header{"X-Tenant-Id": {"acme"}, "X-User-Id": {"alice"}, "X-Plan": {"gold"}}},
		{"consumer", generous, partner, http.Header{"X-Tenant-Id": {"initech"}, "X-User-Id": {"bot"}}},
		{"anonymous", generous, kongtest.Request{}, http.Header{}},
		{"not issued", strings.Replace(generous, `{`, `{"identity":{"issue":false},`, 1), alice, http.Header{}},
		{"other claims", strings.Replace(generous, `{`, `{"identity":{"tenant_claim":"org","user_claim":"email"},`, 1),
			kongtest.Request{Shared: jwt(`{"tenant":"x","sub":"y","org":7,"email":"a@b.c"}`)},
			http.Header{"X-Tenant-Id": {"7"}, "X-User-Id": {"a@b.c"}}},
		{"hostile", generous, kongtest.Request{Shared: jwt(`{"tenant":"a\r\nX-Plan: gold","sub":"bob"}`)}, http.Header{"X-User-Id": {"bob"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			c := patient(t, r, tt.config)
			tt.req.Headers = forged()
			effects := kongtest.Run(t, c.Access, tt.req)
			if effects.Exit != nil {
				t.Fatalf("exit %d", effects.Exit.Status)
			}
			got := http.Header{}
			for name, values := range effects.Service.Headers {
				kongs := tt.name != "anonymous" && (strings.HasPrefix(name, "X-C") || strings.HasPrefix(name, "X-Anon"))
				if len(values) > 0 && name != "Authorization" && name != "Accept" && !kongs {
					got[name] = values
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTakenHeaders: a request that takes an identity header away is refused, charged
// nothing, and called so.
func TestTakenHeaders(t *testing.T) {
	t.Parallel()
	one := strings.Replace(generous, "1000", "1", 1)
	for name, tt := range map[string]struct {
		headers http.Header
		names   string // what the problem names
	}{
		"user":          {http.Header{"Connection": {"close, x-user-id"}}, "x-user-id"},
		"second line":   {http.Header{"Connection": {"close", "te,X-Consumer-Username"}}, "X-Consumer-Username"},
		"underscores":   {http.Header{"Connection": {"X_Plan"}}, "X_Plan"},
		"too many":      {http.Header{"N": slices.Repeat([]string{"1"}, 1000)}, "fewer than 100"},
		"trace":         {http.Header{"Connection": {"traceparent"}}, ""},
		"commonly used": {http.Header{"Connection": {"keep-alive, Upgrade, HTTP2-Settings, TE"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			c := patient(t, r, one)
			for _, who := range []kongtest.Request{alice, partner, {}} {
				req := who
				req.Headers = tt.headers
				if tt.names != "" {
					e := kongtest.Run(t, c.Access, req)
					if e.Exit == nil || e.Exit.Status != http.StatusBadRequest || !strings.Contains(string(e.Exit.Body), tt.names) || len(e.Service.Ops) > 0 {
						t.Fatalf("exit %+v, changes %v", e.Exit, e.Service.Ops)
					}
					if got := e.Serialized[0]; got.Key != "gatehouse.tenant-rate-limit" || got.Value != "refused" {
						t.Errorf("it is called %v", e.Serialized)
					}
					req.Headers = nil
				}
				if e := kongtest.Run(t, c.Access, req); e.Exit != nil {
					t.Errorf("exit %d %s", e.Exit.Status, e.Exit.Body)
				}
			}
		})
	}
}

func TestStandInConsumerKeepsWhatKongSet(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	c := patient(t, r, strings.Replace(generous, `{`, `{"observe":false,`, 1))
	req := kongtest.Request{
		ClientIP: "198.51.100.9",
		Consumer: &entities.Consumer{Id: "c9", Username: "anonymous", CustomId: "acme"},
		Headers:  http.Header{"X-Anonymous-Consumer": {"true"}, "X-Consumer-Id": {"c9"}, "X-Consumer-Role": {"forged"}},
	}
	h := kongtest.Run(t, c.Access, req).Service.Headers
	if h.Get("X-Anonymous-Consumer") != "true" || h.Get("X-Consumer-Id") != "c9" || h.Get("X-Consumer-Role") != "" || h.Get("X-Tenant-Id") != "" {
		t.Errorf("upstream headers %v", h)
	}
	want := []string{"gatehouse:{i.198.51.100.9}:tenant:b60", "gatehouse:{i.198.51.100.9}:user-default:b1"}
	if diff := cmp.Diff(want, counters(server)); diff != "" {
		t.Errorf("counters:\n%s", diff)
	}
}

// byAddress needs two of nginx's variables.
const byAddress = `{"costs":[{"methods":["POST"],"cost":2}],"limits":[{"name":"ip","scope":["ip"],"limit":1000,"window_seconds":60}]}`

// Each call costs the gateway's worker 9 to 15 µs.
func TestCallsToKong(t *testing.T) {
	t.Parallel()
	blind := func(config string) string { return strings.Replace(config, "{", `{"observe":false,`, 1) }
	routed := strings.Replace(generous, `["tenant"]`, `["tenant","route"]`, 1)
	grouped := strings.Replace(generous, `{`, `{"identity":{"issue":true,"plan_group":"plan-"},`, 1)
	byHeader := strings.Replace(generous, `{`, `{"costs":[{"header":"X-Bulk","cost":2}],`, 1)
	const token, consumer, credential = "kong.ctx.shared.get", "kong.client.get_consumer", "kong.client.get_credential"
	const route, variable, headers = "kong.router.get_route", "kong.nginx.get_var", "kong.request.get_headers"
	tests := []struct {
		name, config string
		req          kongtest.Request
		want         []string
	}{
		{"token", blind(generous), alice, []string{token, headers}},
		{"token, observed by route", generous, alice, []string{token, route, headers}},
		{"token, by route", blind(routed), alice, []string{token, route, headers}},
		{"token without user", blind(generous), kongtest.Request{Shared: jwt(`{"tenant":"acme"}`)}, []string{token, consumer, headers}},
		{"consumer", blind(generous), partner, []string{token, consumer, credential, headers}},
		{"consumer, plan by group", blind(grouped), partner, []string{token, consumer, credential, headers, token}},
		{"token, where plans are by group", blind(grouped), alice, []string{token, headers}},
		{"anonymous", blind(generous), kongtest.Request{}, []string{token, consumer, headers, variable}},
		{"by address and method", blind(byAddress), alice, []string{token, variable, headers, variable}},
		{"by header", blind(byHeader), alice, []string{token, headers, variable}},
		{"headers that acl may have set", blind(generous), grouping, []string{token, consumer, credential, headers, "kong.nginx.get_ctx"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			c := patient(t, r, tt.config)
			want := slices.Concat(tt.want, []string{"kong.log.set_serialize_value", "kong.service.request.set_headers", "kong.response.set_headers"})
			kongtest.Run(t, c.Access, kongtest.Request{}) // finds out that there is no composite variable
			if diff := cmp.Diff(want, kongtest.Run(t, c.Access, tt.req).Calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOneReadTellsTheSame: with the composite variable there is one read in place
// of two, and the same outcome.
func TestOneReadTellsTheSame(t *testing.T) {
	t.Parallel()
	req := alice
	req.Method, req.ClientIP, req.Headers = http.MethodPost, "203.0.113.9", forged()
	run := func(req kongtest.Request) kongtest.Effects {
		r, _ := counting(t)
		return kongtest.Run(t, patient(t, r, byAddress).Access, req)
	}
	single, one := run(req), run(kongrequesttest.Installed(t, req))
	reads := []string{"kong.ctx.shared.get", "kong.router.get_route", "kong.nginx.get_var", "kong.request.get_headers", "kong.nginx.get_ctx", "kong.log.set_serialize_value", "kong.service.request.set_headers", "kong.response.set_headers"}
	if diff := cmp.Diff(reads, one.Calls); diff != "" {
		t.Errorf("calls:\n%s", diff)
	}
	single.Calls, one.Calls = nil, nil
	if diff := cmp.Diff(single, one); diff != "" {
		t.Errorf("effects of single reads and of one:\n%s", diff)
	}
	if got := one.Response.Headers.Get("RateLimit"); !strings.Contains(got, `"ip";r=998`) {
		t.Errorf("RateLimit: %s: a POST costs 2", got)
	}
}

func TestValuesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	c := patient(t, r, generous)
	req := kongtest.Request{Headers: http.Header{"X-Junk": {"\xff\xfe"}, "X-Consumer-Role": {"\xff"}}}
	effects := kongtest.Run(t, c.Access, req)
	if effects.Exit != nil || effects.Service.Headers.Get("X-Consumer-Role") != "" {
		t.Errorf("exit %+v, headers %v", effects.Exit, effects.Service.Headers)
	}
}

// A request that cannot be read never goes upstream with what its client wrote.
func TestUnreadableRequestIsNotAdmitted(t *testing.T) {
	t.Parallel()
	r, _ := counting(t)
	c := patient(t, r, generous)
	for _, method := range []string{"kong.ctx.shared.get", "kong.client.get_consumer", "kong.request.get_headers", "kong.nginx.get_var", "kong.service.request.set_headers"} {
		effects := kongtest.Run(t, c.Access, kongtest.Request{Throws: []string{method}})
		if last := effects.Calls[len(effects.Calls)-1]; last != method || effects.Thrown == "" {
			t.Errorf("after %s threw, the plugin went on to %s", method, last)
		}
	}
}

// TestAnswers holds what clients are told to golden files: the last of several
// requests of one user.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const two = `{"name":"tenant","scope":["tenant"],"limit":3,"window_seconds":60,"algorithm":"fixed_window"},` +
		`{"name":"per-user","scope":["user"],"limit":2,"window_seconds":10,"burst":4}`
	const month = `{"name":"month","scope":["tenant"],"limit":2,"algorithm":"calendar","period":"month","time_zone":"Europe/Berlin"}`
	tests := []struct {
		name, config string
		requests     int
	}{
		{"admitted", `{"limits":[` + two + `]}`, 1},
		{"denied", `{"limits":[` + two + `]}`, 4},
		{"denied-month", `{"limits":[` + month + `]}`, 3},
		{"denied-sliding", `{"limits":[{"name":"s","scope":["user"],"limit":2,"window_seconds":60,"algorithm":"sliding_window"}]}`, 3},
		{"denied-bucket", `{"limits":[{"name":"b","scope":["user"],"limit":7,"window_seconds":60,"burst":1}]}`, 2},
		{"denied-hidden", `{"limits":[` + two + `],"hide_headers":["RateLimit","RateLimit-Policy","Retry-After"]}`, 4},
		{"denied-legacy", `{"limits":[` + two + `],"legacy_headers":true}`, 4},
		{"denied-legacy-hidden", `{"limits":[` + two + `],"legacy_headers":true,"hide_headers":["X-RateLimit-Limit","X-RateLimit-Reset","RateLimit"]}`, 4},
		{"shed", `{"limits":[{"name":"backend","scope":["global"],"limit":2,"window_seconds":60,"status":503}]}`, 3},
		{"shed-and-denied", `{"limits":[{"name":"backend","scope":["global"],"limit":2,"window_seconds":60,"status":503},{"name":"mine","scope":["user"],"limit":2,"window_seconds":60}]}`, 3},
		{"admitted-legacy", `{"limits":[` + two + `],"legacy_headers":true}`, 2},
		{"shadow", `{"limits":[{"name":"s","scope":["tenant"],"limit":1,"window_seconds":60,"mode":"shadow"}]}`, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := counting(t)
			c := patient(t, r, tt.config)
			var effects kongtest.Effects
			for range tt.requests {
				effects = kongtest.Run(t, c.Access, alice)
			}
			golden.Check(t, "testdata/"+tt.name+".golden", render(effects))
		})
	}
}

func render(e kongtest.Effects) string {
	status, headers, body := 0, e.Response.Headers, []byte(nil)
	if e.Exit != nil {
		status, headers, body = e.Exit.Status, e.Exit.Headers, e.Exit.Body
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", status)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(headers[name], ", "))
	}
	if body != nil {
		fmt.Fprintf(&b, "\n%s\n", body)
	}
	return b.String()
}
