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
