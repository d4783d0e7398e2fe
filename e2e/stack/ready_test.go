package stack

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// TestOutOfReach wants one line for what was named and does not answer, with the variable
// and without a password, and none for what does.
func TestOutOfReach(t *testing.T) {
	redis := miniredis.RunT(t)
	locked := miniredis.RunT(t)
	locked.RequireAuth("right")
	collector := httptest.NewServer(nil)
	defer collector.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	free := strings.TrimPrefix(gone.URL, "http://")
	for _, tt := range []struct {
		name, redis, otlp string
		want              []string // parts of each line
	}{
		{"nothing named", "", "", nil},
		{"both there", "redis://" + redis.Addr(), collector.URL, nil},
		{"no Redis", "redis://:secret@" + free, collector.URL, []string{"REDIS_URL=redis://:xxxxx@" + free + " is out of reach (connection refused)"}},
		{"wrong password", "redis://:wrong@" + locked.Addr(), "", []string{"is out of reach (WRONGPASS"}},
		{"no URL of a Redis", "localhost:6379", "", []string{"REDIS_URL=localhost:6379 is out of reach"}},
		{"no collector", "", gone.URL, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + gone.URL + " is out of reach (connection refused)"}},
		{"no URL of a collector", "", "collector", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector is out of reach (it has no host"}},
		{"neither", "redis://" + free, gone.URL, []string{"REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Stack{Config: Config{RedisURL: tt.redis, OTLPEndpoint: tt.otlp}}
			lines := s.outOfReach(t.Context())
			if len(lines) != len(tt.want) {
				t.Fatalf("lines %q, want %d", lines, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.Contains(lines[i], want) || strings.Contains(lines[i], "\n") || strings.Contains(lines[i], "secret") {
					t.Errorf("line %q, want %q in it", lines[i], want)
				}
			}
		})
	}
}
