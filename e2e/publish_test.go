package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// TestPublish puts the running config with an overlay on the gateway: what it says that it
// runs is what was posted, the same again changes nothing, and what it refuses it names
// without the secret that it is about.
func TestPublish(t *testing.T) {
	client, err := kongadmin.TLS{}.Client(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	node, err := kongadmin.NewNode(gate.admin, client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }()
	const key = "key-of-the-overlay-only"
	good := overlaid(t, "consumers: [{username: globex-crm, keyauth_credentials: [{key: "+key+"}]}]")
	for _, changed := range []bool{true, false} {
		results, err := kongadmin.Publish(t.Context(), good, []*kongadmin.Node{node})
		if err != nil || results[0].Changed != changed || results[0].Runs != kongadmin.Hash(good.Text) {
			t.Fatalf("results %v, error %v, want changed %t and %s", results, err, changed, kongadmin.Hash(good.Text))
		}
		if runs, err := node.Running(t.Context()); err != nil || runs != kongadmin.Hash(good.Text) {
			t.Errorf("it runs %s, error %v", runs, err)
		}
	}
	eventually(t, "the overlay's key", func() bool { return get(t, "/partner/v2/orders", "apikey: "+key).status == http.StatusOK })

	bad := overlaid(t, `
services: [{name: bad, host: h, retries: many}]
consumers: [{username: erp, keyauth_credentials: [{key: `+key+`}]}, {username: crm, keyauth_credentials: [{key: `+key+`}]}]`)
	_, err = node.Post(t.Context(), bad)
	var refused *kongadmin.Refused
	if !errors.As(err, &refused) || strings.Contains(err.Error(), key) {
		t.Fatalf("error %v", err)
	}
	t.Log(err)
	if !strings.Contains(err.Error(), "service bad: retries: expected an integer") {
		t.Errorf("error %v", err)
	}
	if runs, err := node.Running(t.Context()); err != nil || runs != kongadmin.Hash(good.Text) {
		t.Errorf("after a refusal it runs %s, error %v", runs, err)
	}
}

// TestPublishTwoOfOneKey: Kong's complaint has the key in it, and ours has not.
func TestPublishTwoOfOneKey(t *testing.T) {
	client, err := kongadmin.TLS{}.Client(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	node, err := kongadmin.NewNode(gate.admin, client)
	if err != nil {
		t.Fatal(err)
	}
	const key = "one-key-of-two-consumers"
	_, err = node.Post(t.Context(), overlaid(t, "consumers: [{username: erp, keyauth_credentials: [{key: "+key+"}]}, {username: crm, keyauth_credentials: [{key: "+key+"}]}]"))
	if err == nil || !strings.Contains(err.Error(), "uniqueness violation") || strings.Contains(err.Error(), key) {
		t.Errorf("error %v", err)
	}
}

// TestReferenceIsTheKey is why the check refuses references in credentials: the gateway
// follows none, and lets in who sends it.
func TestReferenceIsTheKey(t *testing.T) {
	const reference = "{vault://env/partner-key}"
	postConfig(t, overlaid(t, "consumers: [{username: globex-crm, keyauth_credentials: [{key: '"+reference+"'}]}]").Text).wantStatus(t, http.StatusCreated)
	defer func() { postConfig(t, gate.config).wantStatus(t, http.StatusCreated) }()
	eventually(t, "a reference that opens the door", func() bool { return get(t, "/partner/v2/orders", "apikey: "+reference).status == http.StatusOK })
}

// overlaid is the gateway's config with an overlay.
func overlaid(t *testing.T, overlay string) kongadmin.Config {
	t.Helper()
	text, err := kongyaml.Merge(kongyaml.File{Name: "kong.yaml", Text: gate.config}, kongyaml.File{Name: "overlay", Text: []byte(overlay)})
	if err != nil {
		t.Fatal(err)
	}
	hide, err := kongsecret.New(nil).Replacer(kongyaml.File{Name: "merged", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return kongadmin.Config{Text: text, Hide: hide}
}
