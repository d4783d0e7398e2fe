package kongrequest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	pdk "github.com/Kong/go-pdk"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestHeaders tells Kong's own headers from the client's by the copy that Kong keeps.
func TestHeaders(t *testing.T) {
	t.Parallel()
	few := map[string]any{"accept": "*/*"}
	hundred := map[string]any{"x-consumer-groups": "forged", "n": slices.Repeat([]any{"1"}, 99)}
	tests := []struct {
		name    string
		headers http.Header
		copied  any
		sent    string
		refused bool
	}{
		{"acl's", http.Header{"X-Consumer-Groups": {"web"}}, few, "", false},
		{"acl's in place of the client's", http.Header{"X-Consumer-Groups": {"web"}}, map[string]any{"x-consumer-groups": "forged"}, "", false},
		{"acl's in place of two", http.Header{"X-Consumer-Groups": {"web"}}, map[string]any{"x-consumer-groups": []any{"web", "admin"}}, "", false},
		{"the client's", http.Header{"X-Consumer-Groups": {"forged"}}, map[string]any{"x-consumer-groups": "forged"}, "x-consumer-groups", false},
		{"two of the client's", http.Header{"X-Consumer-Groups": {"a", "b"}}, map[string]any{"x-consumer-groups": []any{"a", "b"}}, "x-consumer-groups", false},
		{"no copy", http.Header{"X-Consumer-Groups": {"web"}}, nil, "x-consumer-groups", false},
		{"a copy that Kong sends as a list", http.Header{"X-Consumer-Groups": {"web"}}, []any{"1"}, "", true},
		{"a copy that is not whole", http.Header{"X-Consumer-Groups": {"web"}}, hundred, "", true},
		{"as in a copy that is not whole", http.Header{"X-Consumer-Groups": {"forged"}}, hundred, "x-consumer-groups", false},
		{"other spellings are nobody's", http.Header{"X_consumer_groups": {"\xff"}}, few, "", false},
		{"999 lines", http.Header{"N": slices.Repeat([]string{"1"}, 997)}, few, "", false},
		{"1000 lines", http.Header{"N": slices.Repeat([]string{"1"}, 998)}, few, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := kongtest.Request{Headers: tt.headers, Ctx: map[string]any{"cached_request_headers": tt.copied}}
			req.Headers.Add("Connection", "close")
			req.Headers.Add("Connection", "X-Mine")
			kongtest.Run(t, func(kong *pdk.PDK) {
				h, err := new(Source).Open(kong).Headers(&identity.Evidence{CredentialID: "k"})
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(h.Sent, " "); got != tt.sent || h.Incomplete != tt.refused {
					t.Errorf("the client sent %q, incomplete: %v; want %q, %v", got, h.Incomplete, tt.sent, tt.refused)
				}
				if h.Connection != "close,X-Mine" && !h.Incomplete {
					t.Errorf("Connection: %q", h.Connection)
				}
			}, req)
		})
	}
}

// FuzzReadStruct holds the reader of headers to protobuf's own decoder.
func FuzzReadStruct(f *testing.F) {
	for _, fields := range []map[string]any{
		{}, {"x-consumer-id": "1", "accept": []any{"a", "b"}, "connection": []any{"close", ""}}, {"": true},
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
		lines, err := readStruct(encoded)
		var s structpb.Struct
		if err != nil || proto.Unmarshal(encoded, &s) != nil {
			return
		}
		if again, err := proto.Marshal(&s); err != nil || len(again) != len(encoded) {
			return // fields are there twice, or others
		}
		for name, value := range s.Fields {
			if !identity.SaysWho(name) && name != connectionHeader {
				continue
			}
			got, there := lines.values[name]
			if !there {
				t.Errorf("%q is missing in %q", name, lines.values)
			}
			if text, ok := value.GetKind().(*structpb.Value_StringValue); ok {
				if diff := cmp.Diff([]string{text.StringValue}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		}
	})
}
