package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// broken has a pattern that no schema could have refused.
func broken(c *piilogscrub.Config) {
	c.Patterns = []piilogscrub.Pattern{{Name: "customer", Regex: "x*"}}
	c.Fields, c.NeverFields = []string{"customer_ref"}, []string{"build"}
}

// degraded is a config that Provision refuses, as the plugin server has it.
func degraded(t *testing.T, runtime *piilogscrub.Runtime, edit func(*piilogscrub.Config)) *piilogscrub.Config {
	t.Helper()
	c := runtime.New().(*piilogscrub.Config)
	edit(c)
	err := c.Provision()
	if err == nil {
		t.Fatal("Provision has nothing to say")
	}
	c.Degrade(err)
	return c
}

// newRuntime writes audit records to the buffer.
func newRuntime(t *testing.T, audit *bytes.Buffer) *piilogscrub.Runtime {
	t.Helper()
	runtime, err := piilogscrub.NewRuntime(piilogscrub.Options{Audit: audit})
	if err != nil {
		t.Fatal(err)
	}
	return runtime
}

// TestDegradedDropsTexts: log plugins write markers, whichever phases run.
func TestDegradedDropsTexts(t *testing.T) {
	t.Parallel()
	c := degraded(t, newRuntime(t, &bytes.Buffer{}), broken)
	marker := map[string]any{"dropped": "[dropped]"}
	all := []kongtest.KV{
		{Key: "request.uri", Value: "[dropped]"}, {Key: "request.url", Value: "[dropped]"},
		{Key: "request.querystring", Value: marker}, {Key: "request.headers", Value: marker},
		{Key: "upstream_uri", Value: "[dropped]"}, {Key: "client_ip", Value: "[dropped]"},
		{Key: "response.headers", Value: "[dropped]"},
	}
	if diff := cmp.Diff(all, kongtest.Run(t, c.Access, leaky()).Serialized); diff != "" {
		t.Errorf("access alone (-want +got):\n%s", diff)
	}
	effects := kongtest.Run(t, c.Rewrite, leaky())
	if diff := cmp.Diff(all, effects.Serialized); diff != "" {
		t.Errorf("rewrite (-want +got):\n%s", diff)
	}
	request := leaky()
	request.Shared = effects.Shared
	if diff := cmp.Diff(all[4:5], kongtest.Run(t, c.Access, request).Serialized); diff != "" {
		t.Errorf("access after rewrite (-want +got):\n%s", diff)
	}
}

// TestDegradedAudit: the record says which request it was, and nothing of a client's.
func TestDegradedAudit(t *testing.T) {
	t.Parallel()
	apart := map[string]any{
		"tenant-rate-limit": "limited", "sunset-headers": "degraded", "other": "ada@example.com",
		"ada@example.com": "word", "table": map[string]any{"a": "b"},
	}
	words := kongrecord.Decisions{{Plugin: "tenant-rate-limit", Word: "limited"}}
	tests := []struct {
		name     string
		policies any
		want     map[string]any
	}{
		{"nobody decided", nil, map[string]any{"pii-log-scrub": "degraded"}},
		{"told by Kong", apart, map[string]any{"pii-log-scrub": "degraded", "tenant-rate-limit": "limited", "sunset-headers": "degraded"}},
		{"told in the process", words, map[string]any{"pii-log-scrub": "degraded", "tenant-rate-limit": "limited"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var audit bytes.Buffer
			c := degraded(t, newRuntime(t, &audit), broken)
			r := &kongrecord.Record{ClientIP: "203.0.113.77", Policies: tt.policies, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
			r.Request.ID, r.Request.Method, r.Request.URI = "6b3f0a1c2d4e5f60718293a4b5c6d7e8", "GET", "/users/ada@example.com?a=b"
			r.Response.Status, r.Consumer.Username = 200, "ada@example.com"
			c.AuditEnded(r, nil)
			checkClean(t, audit.String())
			var got map[string]any
			if err := json.Unmarshal(audit.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"request_id": r.Request.ID, "trace_id": r.TraceID, "status": 200.0, "method": "[dropped]", "path": "[dropped]",
				"client_ip": "[dropped]", "consumer": "[dropped]", "policies": tt.want,
			}
			for name := range got {
				if _, listed := want[name]; !listed {
					delete(got, name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDegradedIdentifier: what is no identifier is a text.
func TestDegradedIdentifier(t *testing.T) {
	t.Parallel()
	var audit bytes.Buffer
	c := degraded(t, newRuntime(t, &audit), broken)
	r := &kongrecord.Record{TraceID: "ada@example.com"}
	r.Request.ID = "ada@example.com"
	c.AuditEnded(r, nil)
	checkClean(t, audit.String())
}

// TestDegradedBeforeProvision: a config that could not be decoded drops texts too.
func TestDegradedBeforeProvision(t *testing.T) {
	t.Parallel()
	c := newRuntime(t, &bytes.Buffer{}).New().(*piilogscrub.Config)
	c.Degrade(errors.New("decode config"))
	text, err := json.Marshal(kongtest.Run(t, c.Rewrite, leaky()).Serialized)
	if err != nil {
		t.Fatal(err)
	}
	checkClean(t, string(text))
	if !c.Audits() {
		t.Error("there is no audit record")
	}
}

// TestEveryMistakeIsNamed wants one line each.
func TestEveryMistakeIsNamed(t *testing.T) {
	t.Parallel()
	c := newRuntime(t, &bytes.Buffer{}).New().(*piilogscrub.Config)
	broken(c)
	c.Audit, c.Actions, c.PathTemplates = "yes", map[string]string{"mail": "redact", "email": "hash"}, []string{"/users/*"}
	err := c.Provision()
	want := `audit "yes": use on or off
actions.email: unknown action "hash": use one of default, redact, keep_last4, truncate, pseudonym, drop, keep
actions: unknown kind "mail": use one of email, phone, card, iban, us_ssn, national_id, ip, jwt, credential, secret, field, custom
path template "/users/*": has no segment in braces, so it redacts nothing
pattern "customer": regex "x*" matches the empty string; have it match a character at least`
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}
