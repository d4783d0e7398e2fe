package callers

import (
	"strings"
	"testing"
)

// TestSameConsumer: one name may be of two consumers, and one consumer may have changed its
// other names.
func TestSameConsumer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		found []Caller
		says  []string // nil where it is one
	}{
		{"nobody", nil, nil},
		{"one", []Caller{{ID: "1", Username: "globex"}}, nil},
		{"for two tenants", []Caller{{ID: "1", Username: "globex", Tenant: "a"}, {ID: "1", Username: "globex", Tenant: "b"}}, nil},
		{"with another custom_id since", []Caller{{ID: "1", Username: "globex", CustomID: "old"}, {ID: "1", Username: "globex", CustomID: "new"}}, nil},
		{"with another id since", []Caller{{ID: "1", Username: "globex"}, {ID: "2", Username: "globex"}}, nil},
		{"renamed", []Caller{{ID: "1", Username: "globex"}, {ID: "1", Username: "old", CustomID: "globex"}}, nil},
		{"a username and another's custom_id", []Caller{{ID: "1", Username: "globex"}, {ID: "2", Username: "acme", CustomID: "globex"}}, []string{`id 1 (username "globex")`, `id 2 (username "acme", custom_id "globex")`, "by its id"}},
		{"an id and another's username", []Caller{{ID: "globex", CustomID: "a"}, {ID: "2", Username: "globex"}}, []string{`id globex (no username, custom_id "a")`, `id 2 (username "globex")`}},
		{"without ids", []Caller{{Username: "globex"}, {Username: "acme", CustomID: "globex"}}, []string{"more than one"}},
	} {
		var found []Found
		for _, c := range tt.found {
			found = append(found, Found{Caller: c})
		}
		err := SameConsumer(found, "globex")
		if (err != nil) != (tt.says != nil) {
			t.Errorf("%s: error %v", tt.name, err)
		}
		for _, part := range tt.says {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %s in it", tt.name, err, part)
			}
		}
	}
}
