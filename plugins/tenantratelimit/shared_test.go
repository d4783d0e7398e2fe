package tenantratelimit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/redistest"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// node is a runtime of its own on a Redis.
func node(t *testing.T, url string) *Runtime {
	t.Helper()
	r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// Nodes that count each other each admit their part while Redis is away.
func TestShareByLiveNodes(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	const config = `{"limits":[{"name":"t","scope":["tenant"],"limit":12,"window_seconds":86400,"algorithm":"fixed_window"}]%s}`
	var nodes []*Config
	for range 3 {
		c := patient(t, node(t, "redis://"+server.Addr()), fmt.Sprintf(config, ""))
		c.Limiter().Decide(t.Context(), user("first", "alice"))
		nodes = append(nodes, c)
	}
	configured := patient(t, nodes[0].runtime, fmt.Sprintf(config, `,"nodes":6`))
	redistest.Await(t, "all know of all", func(context.Context) bool {
		for _, c := range nodes {
			if m := c.limiter.Made().deployment.member; m.Nodes() != 3 || !m.Certain() {
				return false
			}
		}
		return true
	})
	server.Close()
	for i, c := range append(nodes, configured) {
		admitted := 0
		for range 20 {
			if c.Limiter().Decide(t.Context(), user(fmt.Sprint("tenant", i), "alice")).Allowed() {
				admitted++
			}
		}
		if want := []int{4, 4, 4, 2}[i]; admitted != want {
			t.Errorf("node %d admits %d, want %d", i, admitted, want)
		}
	}
}

// A limit for everybody that is raised in Redis takes effect within a second, on
// every node, also for who was refused a moment ago.
func TestRaiseForEverybody(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	c := patient(t, node(t, "redis://"+server.Addr), `{"limits":[{"name":"all","scope":["global"],"limit":1,"window_seconds":86400,"algorithm":"fixed_window"}]}`)
	if !c.Limiter().Decide(t.Context(), user("acme", "alice")).Allowed() || c.Limiter().Decide(t.Context(), user("acme", "bob")).Status != http.StatusTooManyRequests {
		t.Fatal("the limit is not 1")
	}
	redistest.Await(t, "it sends heartbeats", func(context.Context) bool { return c.limiter.Made().deployment.member.Nodes() == 1 })
	if err := client.Set(t.Context(), "gatehouse:{overrides}", `[{"name":"all","limit":5},{"name":"other","limit":1}]`, 0).Err(); err != nil {
		t.Fatal(err)
	}
	raised := time.Now()
	redistest.Await(t, "somebody is admitted again", func(context.Context) bool {
		return c.Limiter().Decide(t.Context(), user("acme", "bob")).Allowed()
	})
	if waited := time.Since(raised); waited > 1500*time.Millisecond { // a second, and a busy machine
		t.Errorf("it took %v", waited)
	}
	client.Set(t.Context(), "gatehouse:{overrides}", `nonsense`, 0)
	redistest.Await(t, "nonsense is no limit", func(context.Context) bool {
		return strings.HasPrefix(c.Limiter().Decide(t.Context(), user("acme", "bob")).Client["RateLimit-Policy"][0], `"all";q=1;w=86400`)
	})
}

// A tenant's limit that is raised takes effect within a second for who was
// refused a moment ago.
func TestRaiseForOneTenant(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	client := server.Client()
	c := patient(t, node(t, "redis://"+server.Addr), `{"limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":86400,"algorithm":"fixed_window","lease":1}]}`)
	for range 3 {
		c.Limiter().Decide(t.Context(), user("acme", "alice"))
	}
	client.Set(t.Context(), "gatehouse:{t.acme}:overrides", `[{"name":"t","limit":9}]`, 0)
	raised := time.Now()
	redistest.Await(t, "the tenant is admitted again", func(context.Context) bool {
		return c.Limiter().Decide(t.Context(), user("acme", "alice")).Allowed()
	})
	if waited := time.Since(raised); waited > 1500*time.Millisecond {
		t.Errorf("it took %v", waited)
	}
}

func TestLeaseIsTakenInBlocks(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	c := patient(t, r, `{"observe":false,"limits":[{"name":"t","scope":["user"],"limit":100,"window_seconds":60,"lease":10}]}`)
	c.Limiter().Decide(t.Context(), user("acme", "alice"))
	before := server.CommandCount()
	for range 9 {
		if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); !d.Allowed() {
			t.Fatalf("status %d", d.Status)
		}
	}
	// The default for users is no lease of its own here: the limit is on users.
	if n := server.CommandCount() - before; n > 4 { // heartbeats
		t.Errorf("9 requests took %d commands", n)
	}
	r.metrics.waste(&limiter.Limit{Spec: limiter.Spec{Name: "t"}}, 3)
	if n := testutil.ToFloat64(r.metrics.wasted.WithLabelValues("t")); n != 3 {
		t.Errorf("%v units counted as waste, want 3", n)
	}
}

func TestTenantLabelsAreBounded(t *testing.T) {
	t.Parallel()
	labels := newTenantLabels()
	for i := range 3 * maxTenantLabels {
		labels.count(identity.ID{Value: fmt.Sprint("tenant", i)}, i%2 == 0)
	}
	labels.count(identity.ID{}, true)
	if n := testutil.CollectAndCount(labels.decisions); n > 2*(maxTenantLabels+2) {
		t.Errorf("%d series", n)
	}
	if n := testutil.ToFloat64(labels.decisions.WithLabelValues("tenant7", "denied")); n != 1 {
		t.Errorf("a tenant of the first: %v denied, want 1", n)
	}
	others := testutil.ToFloat64(labels.decisions.WithLabelValues(labelOther, "denied")) + testutil.ToFloat64(labels.decisions.WithLabelValues(labelOther, "allowed"))
	if others != 2*maxTenantLabels+1 {
		t.Errorf("%v decisions of others, want %d", others, 2*maxTenantLabels+1)
	}
}

// What is observed is what was asked for, also what was refused.
func TestUsageIsObserved(t *testing.T) {
	t.Parallel()
	server := redistest.Launch(t)
	server.Client()
	r := node(t, "redis://"+server.Addr)
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":2,"window_seconds":60}],"costs":[{"methods":["POST"],"cost":2}]}`)
	for range 5 {
		req := user("acme", "alice")
		req.RouteName, req.Method = "orders", "POST"
		c.Limiter().Decide(t.Context(), req)
	}
	c.Limiter().Decide(t.Context(), quota.Request{Evidence: identity.Evidence{ClientIP: "203.0.113.7"}})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	groups, err := Observed(t.Context(), "redis://"+server.Addr, "gatehouse")
	if err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string]int64{"t.acme": 10, "r.orders": 10, "g.": 11, "anonymous": 1} {
		if groups[group] == nil || groups[group]["t"].Units() != want {
			t.Errorf("%s: %+v, want %d units", group, groups[group], want)
		}
	}
	if d := groups["t.acme"]["u"]; d == nil || d.Who != "u.alice" {
		t.Errorf("users of acme: %+v", d)
	}
	if _, err := Observed(t.Context(), "nonsense", "gatehouse"); err == nil {
		t.Error("no error for what is no URL")
	}
}

// TestUsageOfConsumersIsByName: a consumer who names no tenant is remembered by the name that
// logs have, too.
func TestUsageOfConsumersIsByName(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	r := node(t, url)
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":9,"window_seconds":60}]}`)
	c.Limiter().Decide(t.Context(), quota.Request{Evidence: identity.Evidence{CredentialID: "k1", Consumer: identity.Consumer{ID: "c1", Username: "ERP one"}}})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	groups, err := Observed(t.Context(), url, "gatehouse")
	if err != nil || groups["c.ERP%20one"]["t"] == nil || groups["c.ERP%20one"]["u"].Who != "u.ERP%20one" {
		t.Errorf("%v, error %v", groups, err)
	}
}

// A credential is seen where a consumer's key was verified, whatever the limiter decided.
func TestCredentialsAreSeen(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t)
	r := node(t, url)
	c := patient(t, r, `{"limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":60}]}`)
	quiet := patient(t, r, `{"observe":false,"limits":[{"name":"t","scope":["tenant"],"limit":1,"window_seconds":60}]}`)
	by := func(credential string) quota.Request {
		return quota.Request{Evidence: identity.Evidence{CredentialID: credential, Consumer: identity.Consumer{ID: "c", CustomID: "acme", Username: "erp"}}}
	}
	c.Limiter().Decide(t.Context(), by("allowed"))
	c.Limiter().Decide(t.Context(), by("limited"))
	c.Limiter().Decide(t.Context(), by("")) // a stand-in for the anonymous
	c.Limiter().Decide(t.Context(), user("acme", "alice"))
	quiet.Limiter().Decide(t.Context(), by("unobserved"))
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, err := LastSeen(t.Context(), url, "gatehouse")
	if err != nil {
		t.Fatal(err)
	}
	allowed, limited := usage.Credential{ID: "allowed", Consumer: "erp"}, usage.Credential{ID: "limited", Consumer: "erp"}
	if len(seen.Credentials) != 2 || seen.Credentials[allowed].IsZero() || seen.Credentials[limited].IsZero() {
		t.Errorf("seen: %v", seen.Credentials)
	}
	if err := ForgetCredentials(t.Context(), url, "gatehouse", []usage.Credential{allowed}); err != nil {
		t.Fatal(err)
	}
	if seen, err = LastSeen(t.Context(), url, "gatehouse"); err != nil || len(seen.Credentials) != 1 {
		t.Errorf("seen: %v, error %v", seen.Credentials, err)
	}
	if _, err := LastSeen(t.Context(), "redis://127.0.0.1:1", "gatehouse"); err == nil {
		t.Error("no error from where no Redis is")
	}
}

// On a route without an auth plugin nothing that a client sends makes it
// somebody: all of it counts by address.
func TestForgedIdentityIsNobodys(t *testing.T) {
	t.Parallel()
	r, server := counting(t)
	c := patient(t, r, `{"observe":false,"identity":{"plan_group":"g-","issue":true},"plans":[{"name":"gold","limits":[{"name":"gold","scope":["tenant"],"limit":9,"window_seconds":60}]}],
		"limits":[{"name":"t","scope":["tenant"],"limit":9,"window_seconds":60},{"name":"c","scope":["consumer"],"limit":9,"window_seconds":60},{"name":"k","scope":["credential"],"limit":9,"window_seconds":60}]}`)
	req := kongtest.Request{ClientIP: "203.0.113.7", Headers: forged()}
	req.Headers["X-Authenticated-Groups"] = []string{"g-gold"}
	e := kongtest.Run(t, c.Access, req)
	if e.Exit != nil {
		t.Fatalf("exit %d", e.Exit.Status)
	}
	for _, key := range server.Keys() {
		if !strings.HasPrefix(key, "gatehouse:{i.203.0.113.7}:") && key != "gatehouse:{nodes}" {
			t.Errorf("somebody is counted at %s", key)
		}
	}
	if policy := e.Response.Headers.Get("RateLimit-Policy"); strings.Contains(policy, "gold") {
		t.Errorf("a plan was claimed: %s", policy)
	}
}

// An ACL user that may do what the docs list, and no more, is enough.
func TestUserOfTheDocs(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/rate-limiting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(docs), "An ACL user needs `")
	rules, rest, _ := strings.Cut(rest, "`")
	_, rest, _ = strings.Cut(rest, "advise`, `")
	more, _, _ := strings.Cut(rest, "`")
	if !found || more == "" {
		t.Fatal("the docs do not say what an ACL user needs")
	}
	args := append([]string{"--user", "limiter", "on", ">secret"}, strings.Fields(rules)...)
	server := redistest.Launch(t, append(args, strings.Fields(more)...)...)
	server.Client()
	url := "redis://limiter:secret@" + server.Addr
	var log bytes.Buffer
	r, err := NewRuntime(Options{RedisURL: url, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	c := patient(t, r, `{"on_redis_error":"deny","limits":[{"name":"t","scope":["tenant"],"limit":9,"window_seconds":60},{"name":"s","scope":["user"],"algorithm":"sliding_window","limit":9,"window_seconds":60}]}`)
	if d := c.Limiter().Decide(t.Context(), user("acme", "alice")); !d.Allowed() {
		t.Fatalf("status %d; what the user tried: %v", d.Status, server.Client().Do(t.Context(), "ACL", "LOG").Val())
	}
	redistest.Await(t, "it sends heartbeats", func(context.Context) bool { return c.limiter.Made().deployment.member.Nodes() == 1 })
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	groups, err := Observed(t.Context(), url, "gatehouse")
	if err != nil || groups["t.acme"] == nil || log.Len() > 0 {
		t.Errorf("observed %v, error %v, log %s", groups, err, &log)
	}
}
