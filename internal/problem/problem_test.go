package problem_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	plain := problem.Document{Type: "about:blank", Title: "Gone", Status: 410, Detail: "Use v2 instead."}
	named := plain
	named.Instance = "urn:uuid:1"
	type extended struct {
		problem.Document
		Policies []string `json:"violated-policies,omitempty"`
	}
	for name, tc := range map[string]struct {
		document any
		want     string
	}{
		"standard members": {plain, `{"type":"about:blank","title":"Gone","status":410,"detail":"Use v2 instead."}`},
		"an instance":      {named, `{"type":"about:blank","title":"Gone","status":410,"detail":"Use v2 instead.","instance":"urn:uuid:1"}`},
		"no extension":     {extended{Document: plain}, `{"type":"about:blank","title":"Gone","status":410,"detail":"Use v2 instead."}`},
		"an extension": {extended{plain, []string{"tenant"}},
			`{"type":"about:blank","title":"Gone","status":410,"detail":"Use v2 instead.","violated-policies":["tenant"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, string(problem.Encode(tc.document))); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}
