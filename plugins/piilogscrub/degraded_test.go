package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
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
	runtime, err := piilogscrub.NewRuntime(piilogscrub.Options{Audit: auditlog.NewHandler(audit)})
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
	if !c.Scrubber().Audits() {
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
