package stack

import (
	"strings"
	"testing"
)

// TestEnvironment: a variable that the parts would refuse is one line with its name, its
// value and the fix, before anything is started.
func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		variable, value string
		want            []string // none: it is taken
	}{
		{"REDIS_URL", "", nil},
		{"REDIS_URL", "redis://user:secret@127.0.0.1:6379/0", nil},
		{"REDIS_URL", "localhost:6379", []string{`REDIS_URL is "localhost:6379"`, "write redis://"}},
		{"REDIS_URL", "http://127.0.0.1:6379", []string{`REDIS_URL is "http://127.0.0.1:6379"`, "write redis://"}},
		{"REDIS_URL", "redis://127.0.0.1:70000", []string{`REDIS_URL is "redis://127.0.0.1:70000"`, "write 1 to 65535"}},
		{"REDIS_URL", "http://user:secret@127.0.0.1", []string{"REDIS_URL is a value that is not shown", "write redis://"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", nil},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", []string{`OTEL_EXPORTER_OTLP_ENDPOINT is "nonsense"`, "set it to the base URL", "http://host:4318"}},
		{"OTEL_TRACES_SAMPLER", "sometimes", []string{`OTEL_TRACES_SAMPLER is "sometimes"`, "set it to"}},
	} {
		t.Run(tt.variable+"="+tt.value, func(t *testing.T) {
			s := &Stack{}
			if tt.variable == "REDIS_URL" {
				s.RedisURL = tt.value
			} else {
				t.Setenv(tt.variable, tt.value)
			}
			err := s.checkEnvironment()
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it is taken")
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
				t.Errorf("want one line, without the password:\n%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
		})
	}
}
