package piilogscrub_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// decoded is a config as go-pdk's own server has it: it never calls Provision.
func decoded(t *testing.T, r *piilogscrub.Runtime, text string) *piilogscrub.Config {
	t.Helper()
	c := r.New().(*piilogscrub.Config)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHandlersWithoutProvision: they do the same as with it.
func TestHandlersWithoutProvision(t *testing.T) {
	t.Parallel()
	const text = `{"actions":{"email":"drop"},"fields":["card"],"response_headers":["Location"]}`
	request := leaky()
	request.Log = serialized
	request.Shared = map[string]any{"authenticated_jwt_token": token(`{"tenant":"acme","sub":"u1"}`)}
	run := func(provision bool) (all []kongtest.Effects, record string) {
		var audit bytes.Buffer
		c := decoded(t, newRuntime(t, &audit), text)
		if provision {
			if err := c.Provision(); err != nil {
				t.Fatal(err)
			}
		}
		for _, phase := range []func() kongtest.Effects{
			func() kongtest.Effects { return kongtest.Run(t, c.Access, request) },
			func() kongtest.Effects { return kongtest.Run(t, c.Rewrite, request) },
			func() kongtest.Effects { return kongtest.Run(t, c.Log, request) },
		} {
			all = append(all, phase())
		}
		return all, audit.String()
	}
	want, wantRecord := run(true)
	got, gotRecord := run(false)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-with Provision +without):\n%s", diff)
	}
	if diff := cmp.Diff(wantRecord, gotRecord); diff != "" || !strings.Contains(gotRecord, `"tenant":"acme"`) {
		t.Errorf("audit record (-with Provision +without):\n%s", diff)
	}
}

// TestMistakeWithoutProvision: the first event finds it, says so once, and texts are
// dropped.
func TestMistakeWithoutProvision(t *testing.T) {
	t.Parallel()
	var audit, log bytes.Buffer
	r, err := piilogscrub.NewRuntime(piilogscrub.Options{Audit: auditlog.NewHandler(&audit), Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	c := decoded(t, r, `{"patterns":[{"name":"customer","regex":"x*"}]}`)
	request := leaky()
	request.Log = serialized
	for range 2 {
		text, err := json.Marshal(kongtest.Run(t, c.Access, request).Serialized)
		if err != nil {
			t.Fatal(err)
		}
		checkClean(t, string(text))
	}
	kongtest.Run(t, c.Log, request)
	if got := audit.String(); !strings.Contains(got, `"path":"[dropped]"`) || !strings.Contains(got, `"pii-log-scrub":"degraded"`) {
		t.Errorf("audit record %s does not say that texts are dropped", got)
	}
	if n := strings.Count(log.String(), "empty string"); n != 1 {
		t.Errorf("the mistake is logged %d times, want once: %s", n, log.String())
	}
}
