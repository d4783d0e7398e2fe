package audit_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/audit"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// degraded is the record of a request whose texts are dropped, as JSON.
func degraded(t *testing.T, r *kongrecord.Record) string {
	t.Helper()
	recorder := audit.Recorder{
		Texts: scrub.Counted{Engine: scrub.Dropping(), Observe: func(string, int, scrub.Tally) {}},
		Now:   time.Now, Degraded: "pii-log-scrub",
	}
	var out bytes.Buffer
	if err := auditlog.NewHandler(&out).Handle(audit.Context(r), recorder.Record(r, recorder.Who(r, nil), nil)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestDegraded: the record says which request it was, and nothing of a client's.
func TestDegraded(t *testing.T) {
	t.Parallel()
	apart := map[string]any{
		"tenant-rate-limit": "limited", "sunset-headers": "degraded", "other": "ada@example.com",
		"ada@example.com": "word", "table": map[string]any{"a": "b"},
	}
	words := kongrecord.Decisions{{Plugin: "tenant-rate-limit", Word: "limited"}}
	tests := []struct {
		name     string
		policies any
		want     map[string]any
	}{
		{"nobody decided", nil, map[string]any{"pii-log-scrub": "degraded"}},
		{"told by Kong", apart, map[string]any{"pii-log-scrub": "degraded", "tenant-rate-limit": "limited", "sunset-headers": "degraded"}},
		{"told in the process", words, map[string]any{"pii-log-scrub": "degraded", "tenant-rate-limit": "limited"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &kongrecord.Record{ClientIP: "203.0.113.77", Policies: tt.policies, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
			r.Request.ID, r.Request.Method, r.Request.URI = "6b3f0a1c2d4e5f60718293a4b5c6d7e8", "GET", "/users/ada@example.com?a=b"
			r.Response.Status, r.Consumer.Username = 200, "ada@example.com"
			text := degraded(t, r)
			for _, secret := range []string{"ada@example.com", "203.0.113.77"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s is in %s", secret, text)
				}
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"request_id": r.Request.ID, "trace_id": r.TraceID, "status": 200.0, "method": "[dropped]", "path": "[dropped]",
				"client_ip": "[dropped]", "consumer": "[dropped]", "policies": tt.want,
			}
			for name := range got {
				if _, listed := want[name]; !listed {
					delete(got, name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDegradedIdentifier: an id that does not look like one is a text, and dropped.
func TestDegradedIdentifier(t *testing.T) {
	t.Parallel()
	r := &kongrecord.Record{TraceID: "ada@example.com"}
	r.Request.ID = "ada@example.com"
	if text := degraded(t, r); strings.Contains(text, "ada@example.com") {
		t.Errorf("the id is in %s", text)
	}
}
