package main

import (
	"os"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

func TestForKubernetes(t *testing.T) {
	const from = `# Why.
_format_version: "3.0"
upstreams:
  - name: orders
    targets: [{ target: "orders:9101" }, { target: "orders-2:9105" }]
services:
  - name: orders # of partners
    plugins: [{ name: acl, config: { allow: &who [partners] } }]
certificates:
  - { cert: x, key: y, tags: [development-only] }
consumers:
  - username: acme
    tags: [paying]
    acls: [{ group: partners }]
    keyauth_credentials:
      - { key: dev-only-a, tags: [development-only] }
  - username: globex
    keyauth_credentials:
      - { key: dev-only-b, tags: [old, development-only] }
      - { key: kept, tags: [old] }
`
	const want = header + `_format_version: "3.0"
upstreams:
  - name: orders
    targets: [{target: "orders:9101"}]
services:
  - name: orders
    plugins: [{name: acl, config: {allow: [partners]}}]
consumers:
  - username: acme
    tags: [paying]
    acls: [{group: partners}]
  - username: globex
    keyauth_credentials:
      - {key: kept, tags: [old]}
`
	got, err := forKubernetes(kongyaml.File{Name: "kong.yaml", Text: []byte(from)})
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got\n%s\nnot\n%s", got, want)
	}
}

func TestGeneratedIsCurrent(t *testing.T) {
	text, err := os.ReadFile("../../../kong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := forKubernetes(kongyaml.File{Name: "kong.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../base/kong.yaml"); err != nil || string(got) != string(want) {
		t.Errorf("base/kong.yaml is not what kong.yaml says; run make generate (%v)", err)
	}
}

func TestWrongFilesAreErrors(t *testing.T) {
	for name, text := range map[string]string{"no YAML": "a: [", "a list": "- a"} {
		if _, err := forKubernetes(kongyaml.File{Name: "kong.yaml", Text: []byte(text)}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
