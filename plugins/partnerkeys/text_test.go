package partnerkeys_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
)

const knownKey = "gatehouse_PlantedForTheTests00000000000000000000000001QjvcL"

// The file is an overlay that goes over the consumer of the base.
func TestTextIsAnOverlay(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	k := s.Issue("acme erp", now)
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	base := `_format_version: "3.0"` + "\nconsumers: [{username: acme erp, custom_id: acme, keyauth_credentials: [{key: dev}]}]\n"
	merged, err := kongyaml.Merge(kongyaml.File{Name: "kong.yaml", Text: []byte(base)}, kongyaml.File{Name: "keys.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	got, err := kongyaml.Decode(merged)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"_format_version": "3.0", "consumers": []any{map[string]any{
		"username": "acme erp", "custom_id": "acme",
		"keyauth_credentials": []any{
			map[string]any{"key": "dev"},
			map[string]any{"id": k.ID, "key": k.Text, "tags": []any{"created:2026-03-14T15:09:26Z"}},
		},
	}}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	k := s.Issue("acme", now)
	good, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	secret := k.Text[:len(k.Text)-4]
	for name, tt := range map[string]struct {
		old, bad string
		wants    []string
	}{
		"no YAML":        {"consumers:", "consumers: [", []string{"keys.yaml", "line"}},
		"another field":  {"username: acme", "username: acme\n      custom_id: x", []string{"keys.yaml", "custom_id", "line", "overlay of its own"}},
		"another entity": {"consumers:", "services: []\nconsumers:", []string{"services", "overlay of its own"}},
		"another type":   {"username: acme", "username: [acme]", []string{"line", "overlay of its own"}},
		"no consumer":    {"username: acme", "username: ''", []string{"key 1", "has no username"}},
		"a changed key":  {secret, secret[:len(secret)-1] + "!", []string{`key 1 of consumer "acme"`, "was changed"}},
		"somebody's key": {k.Text, "s3cret", []string{"none that gatehouse keys issued"}},
		"a vault":        {"key: " + k.Text, "key: '{vault://env/key}'", []string{"none that gatehouse keys issued"}},
		"a changed id":   {k.ID, "550e8400-e29b-41d4-a716-446655440000", []string{"id was changed", k.ID}},
		"no time":        {"created:2026-03-14T15:09:26Z", "created:yesterday", []string{"created:yesterday", "2026-03-14T15:09:26Z"}},
		"no tags":        {"created:2026-03-14T15:09:26Z", "replaces:x", []string{"no tag created:"}},
		"another tag":    {"created:", "ticket:", []string{`"ticket:2026`, "take it out"}},
		"a list":         {string(good), "[]", []string{"keys.yaml", "expected an object"}},
		"nothing":        {string(good), "", []string{"keys.yaml", "expected an object"}},
	} {
		text := strings.Replace(string(good), tt.old, tt.bad, 1)
		if text == string(good) {
			t.Fatalf("%s: there is no %q in\n%s", name, tt.old, good)
		}
		_, err := partnerkeys.Parse(kongyaml.File{Name: "keys.yaml", Text: []byte(text)})
		for _, want := range tt.wants {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: error %v, want one line with %q and no key", name, err, want)
			}
		}
	}
	entry := strings.SplitAfter(string(good), "keyauth_credentials:\n")[1]
	if _, err := partnerkeys.Parse(kongyaml.File{Name: "keys.yaml", Text: append(good, entry...)}); err == nil || !strings.Contains(err.Error(), "key 2") || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same key twice: error %v", err)
	}
}

// FuzzParse: what is read is written and read again as it was, and errors have one line.
func FuzzParse(f *testing.F) {
	var s partnerkeys.Set
	s.Issue("acme", now)
	if _, _, err := s.Rotate("acme", "", day, now); err != nil {
		f.Fatal(err)
	}
	text, err := s.Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("consumers: [{username: a, keyauth_credentials: [{key: " + knownKey + "}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := partnerkeys.Parse(kongyaml.File{Name: "keys.yaml", Text: text})
		if err != nil {
			return
		}
		if diff := cmp.Diff(s.All(), parse(t, s).All()); diff != "" {
			t.Errorf("read (-), written and read (+):\n%s", diff)
		}
	})
}
