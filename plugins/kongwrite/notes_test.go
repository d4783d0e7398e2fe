package kongwrite_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// serialized is Kong's record with the fields set one after the other: a dot in the key
// is a step into a table.
func serialized(t *testing.T, fields ...kongwrite.LogField) []byte {
	t.Helper()
	record := map[string]any{}
	for _, f := range fields {
		table, path := record, strings.Split(f.Key, ".")
		for _, step := range path[:len(path)-1] {
			if _, ok := table[step].(map[string]any); !ok {
				table[step] = map[string]any{}
			}
			table = table[step].(map[string]any)
		}
		table[path[len(path)-1]] = f.Value.AsInterface()
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestNotes: a record says the same, whether the notes came one by one or together.
func TestNotes(t *testing.T) {
	t.Parallel()
	const id, text = "4bf92f3577b34da6a3ce929d0e0e4736", `{"traceparent":"…"}`
	limited, announced := kongwrite.Decided("tenant-rate-limit", "allowed"), kongwrite.Decided("sunset-headers", "announced")
	traced, noToken := kongwrite.Traced(id, text, false), kongwrite.NoToken()
	sampled := kongwrite.Traced(id, text, true)
	whole := kongrecord.Record{
		TraceID: id, Trace: text, NoToken: true,
		Policies: map[string]any{"tenant-rate-limit": "allowed", "sunset-headers": "announced"},
	}
	for _, tt := range []struct {
		name   string
		fields []kongwrite.LogField
		want   kongrecord.Record
	}{
		{"none", nil, kongrecord.Record{}},
		{"one by one", []kongwrite.LogField{limited, announced, traced, noToken}, whole},
		{"together", []kongwrite.LogField{kongwrite.Bundle("access", limited, announced, traced, noToken)}, whole},
		{"of two phases", []kongwrite.LogField{kongwrite.Bundle("rewrite", traced), kongwrite.Bundle("access", limited, announced, noToken)}, whole},
		{"together and one by one", []kongwrite.LogField{kongwrite.Bundle("access", limited, traced, noToken), announced}, whole},
		{"of an event that ran again", []kongwrite.LogField{kongwrite.Bundle("access", limited), kongwrite.Bundle("access", limited, announced, traced, noToken)}, whole},
		{"the trace alone", []kongwrite.LogField{traced}, kongrecord.Record{TraceID: id, Trace: text}},
		{"a sampled trace", []kongwrite.LogField{kongwrite.Bundle("rewrite", traced), kongwrite.Bundle("access", sampled)}, kongrecord.Record{TraceID: id, Trace: text, HasSpans: true}},
		{"a trace that the route does not sample", []kongwrite.LogField{kongwrite.Bundle("rewrite", sampled), kongwrite.Bundle("access", traced)}, kongrecord.Record{TraceID: id, Trace: text}},
		{"a sampled trace in log fields", []kongwrite.LogField{{Key: "trace_id", Value: structpb.NewStringValue(id)}, kongwrite.Sampled()}, kongrecord.Record{TraceID: id, HasSpans: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := kongrecord.Parse(serialized(t, tt.fields...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}
