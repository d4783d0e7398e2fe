package kongyaml

import (
	"testing"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// TestAt: each value is where it is written, and what is not written is where it would be.
func TestAt(t *testing.T) {
	t.Parallel()
	base := File{"base", []byte(`x: &limits
  minute: 5
services:
  - name: a
    plugins:
      - name: p
        config:
          limits: *limits
          more:
            <<: *limits
  - name: b
`)}
	overlay := File{"over", []byte(`services:
  - name: a
    retries: 2
    plugins:
      - name: q
  - name: c
`)}
	document, err := Layer(base, overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path schema.Path
		want string
	}{
		{nil, "base:1"},
		{schema.Path{"services", 0}, "base:4"},
		{schema.Path{"services", 0, "name"}, "base:4"},
		{schema.Path{"services", 0, "retries"}, "over:3"},
		{schema.Path{"services", 0, "host"}, "base:4"}, // not written
		{schema.Path{"services", 0, "plugins", 0, "config", "limits"}, "base:8"},
		{schema.Path{"services", 0, "plugins", 0, "config", "limits", "minute"}, "base:2"},
		{schema.Path{"services", 0, "plugins", 0, "config", "more", "minute"}, "base:2"},
		{schema.Path{"services", 0, "plugins", 1}, "over:5"},
		{schema.Path{"services", 0, "plugins", 1, "name"}, "over:5"},
		{schema.Path{"services", 1}, "base:11"},
		{schema.Path{"services", 2}, "over:6"},
		{schema.Path{"services", 9}, "base:3"},
		{schema.Path{"services", "name"}, "base:3"},
		{schema.Path{"x", 0}, "base:1"},
	} {
		if got := document.At(tt.path).String(); got != tt.want {
			t.Errorf("%v is at %s, want %s", tt.path, got, tt.want)
		}
	}
}
