package main

import (
	"strings"
	"testing"
)

// TestAccessLines: whether nginx's access line tells how a request ended is found out,
// and one word has log events all the same.
func TestAccessLines(t *testing.T) {
	t.Parallel()
	const socket, ours = "/run/gatehouse/syslog.sock", "syslog:server=unix:/run/gatehouse/syslog.sock,nohostname gatehouse"
	tests := []struct {
		name, phase, socket, log string
		want                     bool
		err                      string
	}{
		{name: "our format, to our socket", socket: socket, log: ours, want: true},
		{name: "no socket", log: ours},
		{name: "Kong's format", socket: socket, log: "syslog:server=unix:/run/gatehouse/syslog.sock,nohostname kong_log_format"},
		{name: "a file", socket: socket, log: "/dev/stdout gatehouse"},
		{name: "nothing is set"},
		{name: "log events all the same", phase: "event", socket: socket, log: ours},
		{name: "forced", phase: "line", socket: socket, log: ours, err: `GATEHOUSE_LOG_PHASE="line": write event`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := accessLines(func(name string) string {
				return map[string]string{"GATEHOUSE_LOG_PHASE": tt.phase, "GATEHOUSE_SYSLOG_SOCKET": tt.socket, "KONG_PROXY_ACCESS_LOG": tt.log}[name]
			})
			if got != tt.want || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v and error %v, want %v and %q", got, err, tt.want, tt.err)
			}
		})
	}
}
