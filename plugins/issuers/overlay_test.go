package issuers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

func TestOverlay(t *testing.T) {
	t.Parallel()
	state := State{"web-app": {key("b"), left("a", 0), key("eyJ/+=: #'")}}
	text, err := state.Overlay([]Issuer{web, mobile})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/overlay.yaml", text)
	if _, err := kongyaml.Decode(text); err != nil {
		t.Errorf("Kong cannot read it: %v", err)
	}
	again, err := ReadState(text, []Issuer{web, mobile})
	want := State{"web-app": {left("a", 0), key("b"), key("eyJ/+=: #'")}}
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("%v, read again (-want +got):\n%s", err, diff)
	}
}

// TestAnotherIssuer: what an overlay has of a consumer whose issuer is another by now
// vouches for nobody.
func TestAnotherIssuer(t *testing.T) {
	t.Parallel()
	text, err := State{"web-app": {key("a")}, "mobile-app": {key("m")}}.Overlay([]Issuer{web, mobile})
	if err != nil {
		t.Fatal(err)
	}
	moved := web
	moved.ISS = "https://elsewhere.example.com"
	for name, tt := range map[string]struct {
		text    string
		issuers []Issuer
		want    State
	}{
		"another issuer":      {string(text), []Issuer{moved, mobile}, State{"mobile-app": {key("m")}}},
		"an issuer is gone":   {string(text), []Issuer{mobile}, State{"mobile-app": {key("m")}}},
		"a key was exchanged": {strings.Replace(string(text), "the key a", "the key of another", 1), []Issuer{web, mobile}, State{"mobile-app": {key("m")}}},
	} {
		got, err := ReadState([]byte(tt.text), tt.issuers)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestNoOverlay(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":      "",
		"no YAML":      "\t",
		"another file": "services: []",
		"no time":      "consumers: [{ username: web-app, jwt_secrets: [{ key: a, tags: ['left:yesterday'] }] }]",
	} {
		if state, err := ReadState([]byte(text), []Issuer{web}); err == nil || !strings.Contains(err.Error(), "remove") {
			t.Errorf("%s: state %v, error %v, want what to do", name, state, err)
		}
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	got, err := Taken([]byte(`
consumers:
  - username: batch
    jwt_secrets: [{ key: a }, { secret: x }]
  - username: globex
jwt_secrets:
  - { key: b, consumer: nightly }
`))
	want := map[string]string{"a": "consumer batch of the config", "b": "consumer nightly of the config"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := Taken([]byte("\t")); err == nil {
		t.Error("no YAML is no error")
	}
}
