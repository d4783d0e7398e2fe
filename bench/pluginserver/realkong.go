package pluginserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/bench/loopback"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// onRealKong are the rows on a real Kong of one worker, which asks both servers, and
// nothing but them.
func onRealKong(ctx context.Context, dir string, ours, theirs *server) (rows []ratio.Row, closeKong func() error, err error) {
	k := &realKong{dir: dir}
	closeKong = func() error { return nil }
	leftOut := ""
	if _, err := exec.LookPath("kong"); err != nil {
		leftOut = "kong on PATH (3.9)"
	} else if err := k.start(ctx, ours, theirs); err != nil {
		return nil, nil, errors.Join(err, k.close())
	} else {
		closeKong = k.close
	}
	for _, phase := range []string{"access", "log"} {
		rows = append(rows, ratio.Row{
			What: fmt.Sprintf("%d clients, %d ms in %s, on Kong", slowClients, slowMS, phase), Peer: "go-pdk's server", Unit: "share of 200", Target: 1,
			Ours: k.answered(ours, phase), Base: k.answered(theirs, phase), LeftOut: leftOut,
		})
	}
	return rows, closeKong, nil
}

// realKong is a process.
type realKong struct {
	dir   string
	proxy string // address
	cmd   *exec.Cmd
}

// kongConfig has a route for each server and phase. Kong answers itself.
func kongConfig(servers ...*server) string {
	var b strings.Builder
	b.WriteString("_format_version: \"3.0\"\nroutes:\n")
	for _, s := range servers {
		for _, phase := range []string{"access", "log"} {
			config := fmt.Sprintf("{wait_ms: %d}", slowMS)
			if phase == "log" {
				config = fmt.Sprintf("{idle: true, log_wait_ms: %d}", slowMS)
			}
			fmt.Fprintf(&b, "- name: %[1]s-%[2]s\n  paths: [/%[1]s/%[2]s]\n  plugins:\n  - {name: %[1]s, config: %[3]s}\n", s.name, phase, config)
			b.WriteString("  - {name: request-termination, config: {status_code: 200, message: done}}\n")
		}
	}
	return b.String()
}

// foreground starts Kong's nginx as the official image's entrypoint does.
const foreground = `kong prepare -p "$KONG_PREFIX" && exec "${NGINX:-/usr/local/openresty/nginx/sbin/nginx}" -p "$KONG_PREFIX" -c nginx.conf`

func (k *realKong) start(ctx context.Context, servers ...*server) error {
	addrs, err := loopback.FreeAddrs(2)
	if err != nil {
		return err
	}
	k.proxy = addrs[0]
	config := filepath.Join(k.dir, "kong.yaml")
	if err := os.WriteFile(config, []byte(kongConfig(servers...)), 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(k.dir, "kong.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	var names []string
	k.cmd = exec.Command("sh", "-c", foreground)
	k.cmd.Stdout, k.cmd.Stderr, k.cmd.Env = log, log, os.Environ()
	for _, s := range servers {
		names = append(names, s.name)
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(s.name)
		k.cmd.Env = append(k.cmd.Env, prefix+"_SOCKET="+s.socket, fmt.Sprintf("%s_QUERY_CMD=%s -dump", prefix, s.cmd.Path))
	}
	k.cmd.Env = append(k.cmd.Env,
		"KONG_DATABASE=off", "KONG_ANONYMOUS_REPORTS=off", "KONG_NGINX_DAEMON=off", "KONG_ADMIN_GUI_LISTEN=off", "KONG_ADMIN_LISTEN=off",
		"KONG_NGINX_WORKER_PROCESSES=1", "KONG_DECLARATIVE_CONFIG="+config, "KONG_PREFIX="+filepath.Join(k.dir, "prefix"),
		"KONG_PROXY_LISTEN="+addrs[0], "KONG_STATUS_LISTEN="+addrs[1], "KONG_LOG_LEVEL=error", "KONG_NGINX_USER=root",
		"KONG_PLUGINS=bundled,"+strings.Join(names, ","), "KONG_PLUGINSERVER_NAMES="+strings.Join(names, ","),
	)
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("start Kong: %w", err)
	}
	return k.await(ctx, "http://"+addrs[1]+"/status/ready")
}

// kongTimeout bounds how long Kong may take to answer.
const kongTimeout = 60 * time.Second

func (k *realKong) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, kongTimeout)
	defer cancel()
	for {
		if status(ctx, http.DefaultClient, url) == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(filepath.Join(k.dir, "kong.log"))
			return fmt.Errorf("wait for Kong: %w; its log ends with: %s", ctx.Err(), text[max(0, len(text)-2000):])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// status is the status of an answer, 0 if there is none.
func status(ctx context.Context, client *http.Client, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// slowLength is how long clients ask in a round.
const slowLength = 4 * time.Second

// answered measures the share of requests that are answered as the route says.
func (k *realKong) answered(s *server, phase string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		transport := &http.Transport{MaxIdleConnsPerHost: slowClients}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		var asked, answered atomic.Int64
		var running sync.WaitGroup
		end := time.Now().Add(slowLength)
		for range slowClients {
			running.Go(func() {
				for time.Now().Before(end) {
					asked.Add(1)
					if status(ctx, client, fmt.Sprintf("http://%s/%s/%s", k.proxy, s.name, phase)) == http.StatusOK {
						answered.Add(1)
					}
				}
			})
		}
		running.Wait()
		return float64(answered.Load()) / float64(asked.Load()), nil
	}
}

func (k *realKong) close() error {
	if k.cmd == nil || k.cmd.Process == nil {
		return nil
	}
	if err := k.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_ = k.cmd.Wait()
	return nil
}
