// Package kongserver runs the Kong on PATH with one worker and a declarative config.
package kongserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/loopback"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// Settings are what instances differ in.
type Settings struct {
	Dir    string   // a folder for this instance alone
	Config string   // declarative, as YAML
	Under  []string // a command that runs Kong's, nil for none
	// Plugins are served by plugin servers, which Env says how to reach.
	Plugins []string
	Env     []string
}

// Server is a Kong that answers.
type Server struct {
	Proxy, Admin string // addresses

	log    string
	prefix string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when cmd has ended
}

// foreground starts Kong's nginx as the official image's entrypoint does.
const foreground = `kong prepare -p "$KONG_PREFIX" && exec "${NGINX:-/usr/local/openresty/nginx/sbin/nginx}" -p "$KONG_PREFIX" -c nginx.conf`

// Missing is what this machine lacks, nil if it has a Kong.
func Missing() error {
	if _, err := exec.LookPath("kong"); err != nil {
		return ratio.Missing{What: "kong on PATH (3.9)"}
	}
	return nil
}

// Start starts Kong and waits until it answers. What it logs is in Dir.
func Start(ctx context.Context, s Settings) (*Server, error) {
	if err := Missing(); err != nil {
		return nil, err
	}
	addrs, err := loopback.FreeAddrs(3)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(s.Dir, "kong.yaml")
	if err := os.WriteFile(config, []byte(s.Config), 0o644); err != nil {
		return nil, err
	}
	k := &Server{Proxy: addrs[0], Admin: addrs[1], log: filepath.Join(s.Dir, "kong.log"), prefix: filepath.Join(s.Dir, "prefix")}
	log, err := os.Create(k.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := append(append([]string{}, s.Under...), "sh", "-c", foreground)
	k.cmd = exec.Command(command[0], command[1:]...)
	k.cmd.Stdout, k.cmd.Stderr = log, log
	names := strings.Join(s.Plugins, ",")
	k.cmd.Env = append(os.Environ(),
		"KONG_DATABASE=off", "KONG_ANONYMOUS_REPORTS=off", "KONG_NGINX_DAEMON=off", "KONG_ADMIN_GUI_LISTEN=off",
		"KONG_NGINX_WORKER_PROCESSES=1", "KONG_NGINX_USER=root", "KONG_LOG_LEVEL=error",
		"KONG_DECLARATIVE_CONFIG="+config, "KONG_PREFIX="+k.prefix,
		"KONG_PROXY_LISTEN="+addrs[0], "KONG_ADMIN_LISTEN="+addrs[1], "KONG_STATUS_LISTEN="+addrs[2],
		"KONG_PLUGINS=bundled,"+names, "KONG_PLUGINSERVER_NAMES="+names,
	)
	k.cmd.Env = append(k.cmd.Env, s.Env...)
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Kong: %w", err)
	}
	k.ended = make(chan struct{})
	go func() {
		defer close(k.ended)
		_ = k.cmd.Wait() // by a signal
	}()
	if err := k.await(ctx, "http://"+addrs[2]+"/status/ready"); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

// readyTimeout bounds how long Kong may take to answer.
const readyTimeout = 60 * time.Second

func (k *Server) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-k.ended:
			return fmt.Errorf("start Kong: it ended; its log ends with: %s", k.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("wait for Kong: %w; its log ends with: %s", ctx.Err(), k.LastWords())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// LastWords are the end of what was logged.
func (k *Server) LastWords() string {
	log, _ := os.ReadFile(k.log)
	return string(log[max(0, len(log)-2000):])
}

// Stop ends Kong at once. It leaves the folder as it is.
func (k *Server) Stop() { k.End(syscall.SIGTERM) }

// quitTimeout is how long Kong may take for the requests under way.
const quitTimeout = 30 * time.Second

// End ends Kong by a signal, and by SIGTERM where that takes too long. Once it has
// ended, it does nothing.
func (k *Server) End(sig syscall.Signal) {
	_ = k.cmd.Process.Signal(sig)
	select {
	case <-k.ended:
	case <-time.After(quitTimeout):
		_ = k.cmd.Process.Signal(syscall.SIGTERM)
		<-k.ended
	}
}

// Log is all that was logged.
func (k *Server) Log() ([]byte, error) { return os.ReadFile(k.log) }

// NginxPIDs are nginx's processes: the master's, and its workers'.
func (k *Server) NginxPIDs() (pids []int, err error) {
	text, err := os.ReadFile(filepath.Join(k.prefix, "pids", "nginx.pid"))
	if err != nil {
		return nil, fmt.Errorf("find nginx: %w", err)
	}
	master := strings.TrimSpace(string(text))
	children, err := os.ReadFile(filepath.Join("/proc", master, "task", master, "children"))
	if err != nil {
		return nil, fmt.Errorf("find nginx's workers: %w", err)
	}
	for _, one := range append(strings.Fields(string(children)), master) {
		pid, err := strconv.Atoi(one)
		if err != nil {
			return nil, fmt.Errorf("find nginx: %w", err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
