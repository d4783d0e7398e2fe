package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestEnvironment has what does not parse end a command, with a line that names the
// variable, its value, and what to write.
func TestEnvironment(t *testing.T) {
	tests := []struct {
		variable, value, want string
	}{
		{"GATEHOUSE_PROFILING", "maybe", "write true or false"},
		{"GATEHOUSE_DEADLINES", "tenant-rate-limit", "write a duration such as 200ms"},
		{"GATEHOUSE_MAX_FRAME", "20MB", "write bytes"},
		{"GATEHOUSE_MAX_ABANDONED", "0", "write a whole number"},
		{"GATEHOUSE_MAX_CONNECTIONS", "4k", "write a whole number"},
		{"GATEHOUSE_MAX_EVENTS", "-1", "write a whole number"},
		{"GATEHOUSE_MAX_GOROUTINES", "lots", "write a whole number"},
		{"GATEHOUSE_MAX_MEMORY", "half", "write bytes"},
		{"GATEHOUSE_HTTP", "9542", "write an address such as 127.0.0.1:9542"},
		{"GATEHOUSE_HTTP", "127.0.0.1:http!", "write an address"},
		{"PLUGINSERVER_PORT", "95420", "write a port such as 9542"},
		{"GATEHOUSE_AUDIT_RETENTION_DAYS", "soon", "write it as 90"},
		{"GATEHOUSE_AUDIT_RETENTION_DAYS", "4000", "days from 1 to 3660"},
		{"GATEHOUSE_AUDIT_MAX_MEGABYTES", "0", "write it as 256"},
		{"GATEHOUSE_AUDIT_MAX_MEGABYTES", "1GiB", "write it as 256"},
		{"GATEHOUSE_AUDIT_QUEUE", "", "write it as 4096"},
		{"GATEHOUSE_AUDIT_CHAIN_KEY", "no-such.pem", "openssl genpkey -algorithm ed25519"},
	}
	for _, tt := range tests {
		t.Run(tt.variable+"="+tt.value, func(t *testing.T) {
			t.Setenv(tt.variable, tt.value)
			for _, args := range [][]string{{"serve"}, {"run", "--", "true"}} {
				_, errs, code := gatehouse(t, "", args...)
				if code != 1 || !strings.Contains(errs, tt.variable) || !strings.Contains(errs, tt.value) || !strings.Contains(errs, tt.want) {
					t.Errorf("%v: exit code %d and %q, want 1, the variable, its value and %q", args, code, errs, tt.want)
				}
			}
		})
	}
}

func TestHTTPAddress(t *testing.T) {
	for _, tt := range []struct{ port, addr, want string }{
		{"", "", "127.0.0.1:9542"},
		{"1234", "", "127.0.0.1:1234"},
		{"1234", ":8080", ":8080"},
		{"", "[::1]:8080", "[::1]:8080"},
	} {
		t.Setenv("PLUGINSERVER_PORT", tt.port)
		t.Setenv("GATEHOUSE_HTTP", tt.addr)
		told := settings()
		if err := bind(pflag.NewFlagSet("health", pflag.ContinueOnError), &told, "http"); err != nil || told.HTTP != tt.want {
			t.Errorf("port %q and address %q: %q, %v; want %q", tt.port, tt.addr, told.HTTP, err, tt.want)
		}
	}
}
