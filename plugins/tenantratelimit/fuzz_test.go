package tenantratelimit

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// FuzzStructKeys holds the reader of header names to protobuf's own decoder.
func FuzzStructKeys(f *testing.F) {
	for _, fields := range []map[string]any{
		{}, {"x-consumer-id": "1", "accept": []any{"a", "b"}}, {"": true},
	} {
		s, err := structpb.NewStruct(fields)
		if err != nil {
			f.Fatal(err)
		}
		encoded, err := proto.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Add([]byte{0x0a, 0x7f})
	f.Add([]byte{0x08, 0x01})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		names, err := structKeys(encoded)
		var s structpb.Struct
		if err != nil || proto.Unmarshal(encoded, &s) != nil {
			return
		}
		for name := range s.Fields {
			if name != "" && !slices.Contains(names, name) {
				t.Errorf("%q is missing in %q", name, names)
			}
		}
	})
}

// FuzzOverrides holds whatever is found in Redis to: limits that can be used.
func FuzzOverrides(f *testing.F) {
	f.Add(`[{"name":"tenant","limit":5,"burst":1}]`)
	f.Add(`[{"name":"tenant","limit":-5},{"name":"user-default","limit":1000000000,"burst":1000000000}]`)
	f.Add(`{}`)
	r := quiet(f)
	base := mustProvision(f, r, `{"limits":[`+tenantLimit+`]}`).compiled.plans[""]
	f.Fuzz(func(t *testing.T, text string) {
		o, _ := newOverrides().set("k", text)
		set, _ := o.apply(base, 1, r.metrics)
		if len(set.rules) != len(base.rules) {
			t.Fatalf("%d limits, want %d", len(set.rules), len(base.rules))
		}
		for _, rule := range set.rules {
			if rule.limit.Quota < 1 || rule.limit.Capacity() < 1 {
				t.Errorf("limit %+v", rule.limit.Spec)
			}
		}
	})
}
