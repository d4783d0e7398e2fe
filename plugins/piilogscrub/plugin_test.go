package piilogscrub_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

const key = "0123456789abcdef0123456789abcdef"

func newConfig(t *testing.T, o piilogscrub.Options, edit func(*piilogscrub.Config)) *piilogscrub.Config {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC) }
	}
	runtime, err := piilogscrub.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	c := runtime.New().(*piilogscrub.Config)
	if edit != nil {
		edit(c)
	}
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	return c
}

// leaky is a request with something to hide in every field.
func leaky() kongtest.Request {
	return kongtest.Request{
		Method: "GET", Host: "api.example.com", Port: 8443, Scheme: "https", ClientIP: "203.0.113.77",
		Path: "/web/v1/users/ada@example.com", RawQuery: "card=4111111111111111&q=call+%2B12125550100&flag&password=hunter2&page=2&page=3",
		Headers: http.Header{
			"Authorization": {"Bearer abc123def456ghi7"},
			"Cookie":        {"session=s3cr3t"},
			"Referer":       {"https://app.example.com/?email=ada%40example.com"},
			"X-Request-Id":  {"6b3f0a1c2d4e5f60718293a4b5c6d7e8"},
			"X-Forwarded-For": {
				"203.0.113.77, 198.51.100.4",
			},
			"Accept": {"application/json", "text/html"},
		},
	}
}

// planted are the values in leaky that no log may hold.
var planted = []string{
	"ada@example.com", "ada%40example.com", "4111111111111111", "2125550100", "hunter2",
	"abc123def456ghi7", "s3cr3t", "203.0.113.77", "198.51.100.4",
}

func checkClean(t *testing.T, text string) {
	t.Helper()
	for _, v := range planted {
		if strings.Contains(text, v) {
			t.Errorf("%s is in %s", v, text)
		}
	}
}

func TestRewriteReplacesWhatIsLogged(t *testing.T) {
	t.Parallel()
	c := newConfig(t, piilogscrub.Options{}, nil)
	effects := kongtest.Run(t, c.Rewrite, leaky())
	text, err := json.Marshal(effects.Serialized)
	if err != nil {
		t.Fatal(err)
	}
	checkClean(t, string(text))
	golden.CheckJSON(t, "testdata/rewrite.json", effects.Serialized)
	if effects.Shared["gatehouse.scrub"] != true {
		t.Errorf("shared %v: the access phase would do the work again", effects.Shared)
	}
	if len(effects.Service.Ops)+len(effects.Response.Ops) > 0 {
		t.Errorf("changed the request %v or the response %v", effects.Service.Ops, effects.Response.Ops)
	}
}

// TestRewriteReadsOnce checks that with the composite variable there are two
// calls to read the request, and the same result.
func TestRewriteReadsOnce(t *testing.T) {
	t.Parallel()
	c := newConfig(t, piilogscrub.Options{}, nil)
	single := kongtest.Run(t, c.Rewrite, leaky())

	c = newConfig(t, piilogscrub.Options{}, nil)
	composite := kongtest.Run(t, c.Rewrite, kongrequesttest.Installed(t, leaky()))
	if diff := cmp.Diff(single.Serialized, composite.Serialized); diff != "" {
		t.Errorf("serialized by single reads and by one (-single +one):\n%s", diff)
	}
	want := []string{"kong.nginx.get_var", "kong.request.get_headers"}
	if diff := cmp.Diff(want, composite.Calls[:2]); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	for _, call := range composite.Calls[2:] {
		if call != "kong.log.set_serialize_value" && call != "kong.ctx.shared.set" {
			t.Errorf("call %s", call)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	c := newConfig(t, piilogscrub.Options{}, nil)
	request := leaky()
	request.Vars = map[string]string{"upstream_uri": "/orders/ada@example.com"}
	t.Run("on a route only", func(t *testing.T) {
		t.Parallel()
		effects := kongtest.Run(t, c.Access, request)
		golden.CheckJSON(t, "testdata/access.json", effects.Serialized)
	})
	t.Run("behind the rewrite phase", func(t *testing.T) {
		t.Parallel()
		c := newConfig(t, piilogscrub.Options{}, nil)
		request := request
		request.Shared = kongtest.Run(t, c.Rewrite, request).Shared
		effects := kongtest.Run(t, c.Access, request)
		want := []kongtest.KV{{
			Key:   "upstream_uri",
			Value: "/orders/[email]?card=[card:1111]&q=call+[phone]&flag&password=[field]&page=2&page=3",
		}}
		if diff := cmp.Diff(want, effects.Serialized); diff != "" {
			t.Errorf("serialized (-want +got):\n%s", diff)
		}
	})
}

// TestFailureDropsText checks that nothing of a request is logged where reading
// or scrubbing it fails.
func TestFailureDropsText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, c *piilogscrub.Config) kongtest.Effects
	}{
		{"panic", func(t *testing.T, c *piilogscrub.Config) kongtest.Effects {
			return kongtest.Run(t, func(kong *pdk.PDK) { c.Failed(kong, errors.New("panic: index out of range")) }, leaky())
		}},
		{"header that is not UTF-8", func(t *testing.T, c *piilogscrub.Config) kongtest.Effects {
			request := leaky()
			request.Headers.Set("X-Name", "J\xfcrgen")
			return kongtest.Run(t, c.Rewrite, request)
		}},
		{"value too long", func(t *testing.T, c *piilogscrub.Config) kongtest.Effects {
			request := leaky()
			request.RawQuery = "q=" + strings.Repeat("ada@example.com ", 1<<14)
			return kongtest.Run(t, c.Rewrite, request)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewRegistry()
			c := newConfig(t, piilogscrub.Options{Registerer: registry}, nil)
			effects := tt.run(t, c)
			text, err := json.Marshal(effects.Serialized)
			if err != nil {
				t.Fatal(err)
			}
			checkClean(t, string(text))
			got := map[string]any{}
			for _, kv := range effects.Serialized {
				got[kv.Key] = kv.Value
			}
			if got["request.uri"] != "[dropped]" {
				t.Errorf("request.uri %v, want [dropped]", got["request.uri"])
			}
			if n, err := testutil.GatherAndCount(registry, "gatehouse_scrub_drops_total"); err != nil || n == 0 {
				t.Errorf("%d drop counters, %v: a drop is not visible", n, err)
			}
		})
	}
}

// serialized is what kong.log.serialize gives behind the rewrite phase.
const serialized = `{
	"request": {"id": "6b3f0a1c2d4e5f60718293a4b5c6d7e8", "method": "GET", "uri": "/web/v1/users/[email]?card=[card:1111]",
		"headers": {"x-tenant-id": "forged"}},
	"response": {"status": 200, "size": 512, "headers": {}},
	"latencies": {"kong": 2, "proxy": 11, "request": 14, "receive": 0},
	"route": {"id": "r1", "name": "web-users", "paths": ["/web/v1/users"]}, "service": {"id": "s1", "name": "web-bff"},
	"consumer": {"id": "c1", "username": "web-app"}, "authenticated_entity": {"id": "k1"},
	"client_ip": "203.0.113.0", "started_at": 1763954021000, "source": "upstream",
	"trace_id": {"w3c": "4bf92f3577b34da6a3ce929d0e0e4736"},
	"gatehouse": {"tenant-rate-limit": {"decision": "allowed", "note": "ada@example.com"}}
}`

func token(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(payload)) + "." + enc([]byte("signature"))
}

func TestLogWritesRecord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		edit    func(*piilogscrub.Config)
		request func(*kongtest.Request)
	}{
		{"user", func(c *piilogscrub.Config) {
			c.PseudonymKey, c.PseudonymKeyID = key, "k1"
			c.PathTemplates = []string{"/web/v1/users/{email}"}
			c.ResponseHeaders = []string{"Location", "content-type", "set-cookie", "X-Absent"}
		}, func(r *kongtest.Request) {
			r.Shared = map[string]any{"authenticated_jwt_token": token(`{"tenant":"acme","sub":"ada@example.com","plan":"gold"}`)}
			r.Sent = http.Header{
				"Location": {"/users/ada@example.com"}, "Content-Type": {"application/json"},
				"Set-Cookie": {"a=s3cr3t", "b=s3cr3t"}, "X-Other": {"ada@example.com"},
			}
		}},
		{"no key", nil, func(r *kongtest.Request) {
			r.Shared = map[string]any{"authenticated_jwt_token": token(`{"tenant":"acme","sub":"u1"}`)}
		}},
		{"partner", nil, func(r *kongtest.Request) {
			r.Log = strings.Replace(serialized, `"username": "web-app"`, `"username": "initech-erp", "custom_id": "initech"`, 1)
		}},
		{"refused", nil, func(r *kongtest.Request) {
			r.Log = `{"request":{"method":"GET","uri":"/none"},"response":{"status":404},"latencies":{"proxy":-1},"client_ip":"203.0.113.77"}`
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var audit bytes.Buffer
			c := newConfig(t, piilogscrub.Options{Audit: auditlog.NewHandler(&audit)}, tt.edit)
			request := kongtest.Request{Log: serialized}
			tt.request(&request)
			kongtest.Run(t, c.Log, request)
			checkClean(t, audit.String())
			if n := strings.Count(audit.String(), "\n"); n != 1 {
				t.Fatalf("%d lines, want 1: %s", n, audit.String())
			}
			var got json.RawMessage = audit.Bytes()
			golden.CheckJSON(t, "testdata/audit "+tt.name+".json", got)
		})
	}
}

func TestLogOff(t *testing.T) {
	t.Parallel()
	var audit bytes.Buffer
	c := newConfig(t, piilogscrub.Options{Audit: auditlog.NewHandler(&audit)}, func(c *piilogscrub.Config) { c.Audit = "off" })
	if effects := kongtest.Run(t, c.Log, kongtest.Request{Log: serialized}); audit.Len()+len(effects.Calls) > 0 {
		t.Errorf("wrote %q, called %v", audit.String(), effects.Calls)
	}
}

func TestLogFailureIsCounted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := newConfig(t, piilogscrub.Options{Registerer: registry}, nil)
	kongtest.Run(t, c.Log, kongtest.Request{Log: "{"})
	want := "# HELP gatehouse_audit_records_total Audit records by outcome: written, or failed.\n" +
		"# TYPE gatehouse_audit_records_total counter\ngatehouse_audit_records_total{outcome=\"failed\"} 1\ngatehouse_audit_records_total{outcome=\"written\"} 0\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "gatehouse_audit_records_total"); err != nil {
		t.Error(err)
	}
}

// noAudit is an audit log on a disk that is full.
type noAudit struct{ slog.Handler }

func (noAudit) Handle(context.Context, slog.Record) error { return syscall.ENOSPC }

// TestLogFailureIsSaidOnceASecond: a record for each request may fail.
func TestLogFailureIsSaidOnceASecond(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	now := time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC)
	c := newConfig(t, piilogscrub.Options{
		Now:    func() time.Time { now = now.Add(time.Millisecond); return now },
		Logger: slog.New(slog.NewJSONHandler(&logged, nil)), Audit: noAudit{},
	}, nil)
	began := now
	for range 500 {
		kongtest.Run(t, c.Log, kongtest.Request{Log: serialized})
	}
	lines := strings.Count(logged.String(), "\n")
	if seconds := int(now.Sub(began) / time.Second); lines < 2 || lines > seconds+1 {
		t.Errorf("%d lines in %d seconds", lines, seconds)
	}
	if !strings.Contains(logged.String(), "no space left on device") || !strings.Contains(logged.String(), `"suppressed":`) {
		t.Errorf("logged %s", &logged)
	}
}

func TestFindingsAreCounted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := newConfig(t, piilogscrub.Options{Registerer: registry}, nil)
	kongtest.Run(t, c.Rewrite, leaky())
	n, err := testutil.GatherAndCount(registry, "gatehouse_scrub_findings_total")
	if err != nil || n < 8 {
		t.Errorf("%d counters of findings, %v", n, err)
	}
}
