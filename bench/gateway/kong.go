package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/loopback"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// names are the plugins that Kong is told of.
var names = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "gatehouse"}

// kong is a Kong of one worker, with the plugin server beside it.
type kong struct {
	dir   string
	proxy string // address
	admin string // address
	cmd   *exec.Cmd
}

// settings are what the instances differ in.
type settings struct {
	config string            // declarative, as YAML
	env    map[string]string // of Kong and of the plugin server
}

// foreground starts Kong's nginx as the official image's entrypoint does.
const foreground = `kong prepare -p "$KONG_PREFIX" && exec "${NGINX:-/usr/local/openresty/nginx/sbin/nginx}" -p "$KONG_PREFIX" -c nginx.conf`

// startKong starts an instance in a folder of its own.
func startKong(ctx context.Context, gatehouse, include string, s settings) (*kong, error) {
	if _, err := exec.LookPath("kong"); err != nil {
		return nil, ratio.Missing{What: "kong on PATH (3.9)"}
	}
	dir, err := os.MkdirTemp("", "ghb")
	if err != nil {
		return nil, err
	}
	k := &kong{dir: dir}
	if err := k.start(ctx, gatehouse, include, s); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

func (k *kong) start(ctx context.Context, gatehouse, include string, s settings) error {
	addrs, err := loopback.FreeAddrs(4)
	if err != nil {
		return err
	}
	k.proxy, k.admin = addrs[0], addrs[1]
	config := filepath.Join(k.dir, "kong.yaml")
	if err := os.WriteFile(config, []byte(s.config), 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(k.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	socket, syslog := filepath.Join(k.dir, "gatehouse.sock"), filepath.Join(k.dir, "syslog.sock")
	k.cmd = exec.Command(gatehouse, "run", "--", "sh", "-c", foreground)
	k.cmd.Stdout, k.cmd.Stderr = log, log
	k.cmd.Env = append(os.Environ(),
		"GATEHOUSE_SOCKET="+socket, "GATEHOUSE_SYSLOG_SOCKET="+syslog, "GATEHOUSE_HTTP="+addrs[2],
		"KONG_DATABASE=off", "KONG_ANONYMOUS_REPORTS=off", "KONG_NGINX_DAEMON=off", "KONG_ADMIN_GUI_LISTEN=off",
		"KONG_NGINX_WORKER_PROCESSES=1", "KONG_DECLARATIVE_CONFIG="+config, "KONG_PREFIX="+filepath.Join(k.dir, "prefix"),
		"KONG_PROXY_LISTEN="+addrs[0], "KONG_ADMIN_LISTEN="+addrs[1], "KONG_STATUS_LISTEN="+addrs[3],
		"KONG_NGINX_HTTP_INCLUDE="+include, "KONG_LOG_LEVEL=error",
		"KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS=0", "KONG_NGINX_HTTP_KEEPALIVE_REQUESTS=100000000",
		"KONG_PROXY_ACCESS_LOG=syslog:server=unix:"+syslog+",nohostname gatehouse",
		"KONG_PROXY_ERROR_LOG=syslog:server=unix:"+syslog+",nohostname",
		"KONG_PLUGINS=bundled,"+strings.Join(names, ","), "KONG_PLUGINSERVER_NAMES="+strings.Join(names, ","),
		"KONG_NGINX_USER=root",
	)
	for _, name := range names {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		k.cmd.Env = append(k.cmd.Env, prefix+"_SOCKET="+socket, fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, gatehouse, name))
	}
	for name, value := range s.env {
		k.cmd.Env = append(k.cmd.Env, name+"="+value)
	}
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("start Kong: %w", err)
	}
	return k.await(ctx, "http://"+addrs[3]+"/status/ready")
}

// readyTimeout bounds how long Kong may take to answer.
const readyTimeout = 60 * time.Second

func (k *kong) await(ctx context.Context, url string) error {
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
		case <-ctx.Done():
			return fmt.Errorf("wait for Kong: %w; its log ends with: %s", ctx.Err(), k.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (k *kong) lastWords() string {
	log, _ := os.ReadFile(filepath.Join(k.dir, "log"))
	return string(log[max(0, len(log)-2000):])
}

func (k *kong) close() error {
	if k.cmd == nil || k.cmd.Process == nil {
		return os.RemoveAll(k.dir)
	}
	_ = k.cmd.Process.Signal(syscall.SIGTERM)
	_ = k.cmd.Wait() // by the signal
	return os.RemoveAll(k.dir)
}
