package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDefaultPorts(t *testing.T) {
	env := map[string]string{"PROXY_PORT": "9000", "ADMIN_PORT": ""}
	lookup := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	ports, err := DefaultPorts(lookup)
	if err != nil {
		t.Fatal(err)
	}
	if ports.Proxy.Addr() != "127.0.0.1:9000" || ports.Admin.Number != 8001 {
		t.Errorf("proxy = %s, admin = %d; want the variable's, and the default", ports.Proxy.Addr(), ports.Admin.Number)
	}
	for _, bad := range []string{"0", "65536", "http"} {
		env["PROXY_PORT"] = bad
		_, err := DefaultPorts(lookup)
		if err == nil || !strings.Contains(err.Error(), "PROXY_PORT") || !strings.Contains(err.Error(), bad) {
			t.Errorf("PROXY_PORT=%s: error %v, want the variable and the value in it", bad, err)
		}
	}
}

func TestMoveTargets(t *testing.T) {
	const source = "targets: [{ target: \"orders:9101\" }] # orders\n"
	for _, tt := range []struct {
		name string
		port int
		want string
	}{
		{"documented port", 9101, source},
		{"moved", 19101, "targets: [{ target: \"orders:19101\" }] # orders\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := moveTargets([]byte(source), map[string]Port{"orders:9101": {Env: "ORDERS_PORT", Number: tt.port}})
			if string(got) != tt.want {
				t.Errorf("config = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlainServices(t *testing.T) {
	const config = `
upstreams:
  - { name: orders.upstream, targets: [{ target: "orders:9101" }] }
  - { name: other.upstream, targets: [{ target: "other:80" }] }
services:
  - { name: good, host: orders.upstream, protocol: https }
  - { name: plain, host: orders.upstream, protocol: http }
  - { name: absent, host: orders.upstream }
  - { name: others, host: other.upstream }
`
	got := plainServices([]byte(config), map[string]Port{"orders:9101": {"ORDERS_PORT", 9101}})
	if len(got) != 2 || !strings.HasPrefix(got[0], "service plain: orders:9101 speaks mutual TLS only: write protocol: https") || !strings.HasPrefix(got[1], "service absent: ") {
		t.Errorf("warnings %q", got)
	}
	if got := plainServices([]byte("services: ["), nil); got != nil {
		t.Errorf("warnings %q of what is no YAML", got)
	}
}

// TestStartRefuses wants one line that names what is in the way, and nothing started.
func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	busy := free
	busy.Proxy.Number = taken.Addr().(*net.TCPAddr).Port

	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"no config", Config{KongConfig: "missing.yaml", Ports: free}, "missing.yaml"},
		{"busy port", Config{KongConfig: "../../kong.yaml", Ports: busy}, "PROXY_PORT"},
		{"no binaries", Config{KongConfig: "../../kong.yaml", Ports: free, Bin: "nowhere"}, "nowhere/gatehouse"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Dir = t.TempDir()
			_, err := Start(context.Background(), tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with %q", err, tt.want)
			}
		})
	}
}

// closer is a log in memory.
type closer struct{ bytes.Buffer }

func (*closer) Close() error { return nil }

// TestPlainOutputBecomesJSON: whatever a child prints, its log has JSON objects only.
func TestPlainOutputBecomesJSON(t *testing.T) {
	for _, tt := range []struct{ text, level, msg string }{
		{"stack: no \"such\" file", "ERROR", "stack: no \"such\" file"},
		{"gatehouse: warning: f: a", "WARN", "gatehouse: warning: f: a"},
		{"panic: oh\n", "INFO", "panic: oh"},
		{"{no JSON}\r\n", "INFO", "{no JSON}"},
		{"\xff{\n\n", "INFO", "\ufffd{"},
	} {
		log := &closer{}
		o := &output{log: log, part: "orders"}
		_, _ = o.Write([]byte(tt.text))
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Time             time.Time
			Level, Msg, Part string
		}
		if err := json.Unmarshal(log.Bytes(), &got); err != nil || got.Level != tt.level || got.Msg != tt.msg || got.Part != "orders" || got.Time.IsZero() {
			t.Errorf("%q: %s, %v", tt.text, log, err)
		}
	}
}

// TestLastWords: why a child ended is what it said in plain text, whatever its parent
// logged after that.
func TestLastWords(t *testing.T) {
	const log = "{\"msg\":\"started\"}\n"
	tests := []struct {
		name, log, want string
		warnings        int
	}{
		{"nothing", "", "", 0},
		{"log lines", log + log, "", 0},
		{"one line", log + "stack: kong.yaml: no\n", "kong.yaml: no", 0},
		{"a line a finding", "gatehouse: warning: f: a\ngatehouse: f: b\ngatehouse: f: c\n", "warning: f: a\nf: b\nf: c", 1},
		{"and its parent's", log + "in 'plugins': no\n" + log + log, "in 'plugins': no", 0},
		{"long ago", "stack: no\n" + strings.Repeat(log, 9), "", 0},
		{"many lines", strings.Repeat("x\n", 99), strings.TrimSpace(strings.Repeat("x\n", maxWords)), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &closer{}
			p := &process{output: &output{log: log, part: "p"}}
			for chunk := range slices.Chunk([]byte(tt.log), 7) { // as a pipe has it
				if _, err := p.output.Write(chunk); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.output.Close(); err != nil {
				t.Fatal(err)
			}
			if got := p.lastWords(); got != tt.want {
				t.Errorf("last words %q, want %q", got, tt.want)
			}
			if got := p.warnings(); len(got) != tt.warnings {
				t.Errorf("warnings %q, want %d", got, tt.warnings)
			}
			lines := 0
			for line := range strings.Lines(log.String()) {
				lines++
				if !json.Valid([]byte(line)) || !strings.HasSuffix(line, "}\n") {
					t.Errorf("line %q is no JSON object", line)
				}
			}
			if want := strings.Count(tt.log, "\n"); lines != want {
				t.Errorf("%d lines, want %d", lines, want)
			}
		})
	}
}

func TestGuideWithoutAuthService(t *testing.T) {
	auth := httptest.NewServer(http.NotFoundHandler())
	auth.Close()
	if _, err := Guide(t.Context(), "http://gateway:1", auth.URL, nil); err == nil || !strings.Contains(err.Error(), "no auth service at "+auth.URL+": start it") {
		t.Errorf("error %v, want where it was looked for, and the fix", err)
	}
}
