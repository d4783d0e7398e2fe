package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{"no binaries", Config{KongConfig: "../../kong.yaml", Ports: free, Bin: "nowhere"}, "start orders"},
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
			p := &process{logPath: filepath.Join(t.TempDir(), "log")}
			if err := os.WriteFile(p.logPath, []byte(tt.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := p.lastWords(); got != tt.want {
				t.Errorf("last words %q, want %q", got, tt.want)
			}
			if got := p.warnings(); len(got) != tt.warnings {
				t.Errorf("warnings %q, want %d", got, tt.warnings)
			}
		})
	}
}

func TestGuide(t *testing.T) {
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":"a-token-of%s"}`, strings.ReplaceAll(r.URL.Path, "/", "-"))
	}))
	defer auth.Close()
	guide, err := Guide(t.Context(), "http://gateway:1", auth.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WEB=a-token-of-web-token", "MOBILE=a-token-of-mobile-token", "curl -i http://gateway:1/web/v1/dashboard"} {
		if !strings.Contains(guide, want) {
			t.Errorf("the guide has no %q", want)
		}
	}
	if strings.Contains(guide, "BASE") {
		t.Error("the guide has a placeholder left")
	}
}

func TestGuideWithoutAuthService(t *testing.T) {
	auth := httptest.NewServer(http.NotFoundHandler())
	auth.Close()
	if _, err := Guide(t.Context(), "http://gateway:1", auth.URL); err == nil || !strings.Contains(err.Error(), "no auth service at "+auth.URL+": start it") {
		t.Errorf("error %v, want where it was looked for, and the fix", err)
	}
}
