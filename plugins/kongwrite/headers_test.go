package kongwrite

import (
	"strings"
	"testing"

	"github.com/Kong/go-pdk/bridge"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
)

// FuzzAppendTable: it is what go-pdk sends.
func FuzzAppendTable(f *testing.F) {
	f.Add("X-Tenant-Id", "acme", "traceparent", "")
	f.Add("", "", "a", "\xff")
	f.Add("Link", strings.Repeat("x", 200), "Link", strings.Repeat("y", 20000))
	f.Fuzz(func(t *testing.T, name, value, other, more string) {
		headers := map[string][]string{name: {value, more}, other: {}}
		table, err := appendTable(nil, headers)
		want, wantErr := bridge.WrapHeaders(headers)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("error %v, and go-pdk's is %v", err, wantErr)
		}
		if err != nil {
			return
		}
		got := new(structpb.Struct)
		if err := proto.Unmarshal(table, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("table (-go-pdk +ours):\n%s", diff)
		}
	})
}

func BenchmarkHeaders(b *testing.B) {
	headers := map[string][]string{"X-Tenant-Id": {"acme"}, "X-User-Id": {"alice"}, "X-Plan": {"pro"}, "tracestate": {},
		"traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := appendTable(nil, headers); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go-pdk", func(b *testing.B) {
		for b.Loop() {
			table, err := bridge.WrapHeaders(headers)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := proto.Marshal(table); err != nil {
				b.Fatal(err)
			}
		}
	})
}
