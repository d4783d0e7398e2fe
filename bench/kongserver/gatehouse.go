package kongserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// names are the plugins that Kong is told of.
var names = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "api-version", "gatehouse"}

// Gatehouse is a Kong under `gatehouse run`, with the plugin server beside it.
type Gatehouse struct {
	*Server
	HTTP string // address of the plugin server's metrics

	dir     string
	binary  string
	env     []string  // of Kong and of the plugin server
	sidecar *exec.Cmd // the plugin server, where nobody supervises it
}

// GatehouseSettings are what instances differ in.
type GatehouseSettings struct {
	Binary  string            // of gatehouse, see [Build]
	Include string            // files that nginx includes, a path with wildcards
	Config  string            // declarative, as YAML
	Env     map[string]string // of Kong and of the plugin server
	Sidecar bool              // `gatehouse serve` and Kong side by side, and no `gatehouse run`
}

// Build builds the binary that is shipped, which has its own go.mod, into a folder.
func Build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "gatehouse")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./plugins/cmd/gatehouse")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build gatehouse: %w: %s", err, out)
	}
	return binary, nil
}

// StartGatehouse starts an instance in a folder of its own.
func StartGatehouse(ctx context.Context, s GatehouseSettings) (*Gatehouse, error) {
	if err := Missing(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ghb") // short, for the sockets in it
	if err != nil {
		return nil, err
	}
	g := &Gatehouse{dir: dir}
	if err := g.start(ctx, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return g, nil
}

func (g *Gatehouse) start(ctx context.Context, s GatehouseSettings) error {
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return err
	}
	g.HTTP = addrs[0]
	socket, syslog := filepath.Join(g.dir, "gatehouse.sock"), filepath.Join(g.dir, "syslog.sock")
	g.binary = s.Binary
	g.env = []string{
		"GATEHOUSE_SOCKET=" + socket, "GATEHOUSE_SYSLOG_SOCKET=" + syslog, "GATEHOUSE_HTTP=" + g.HTTP,
		"KONG_NGINX_HTTP_INCLUDE=" + s.Include,
		"KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS=0", "KONG_NGINX_HTTP_KEEPALIVE_REQUESTS=100000000",
		"KONG_PROXY_ACCESS_LOG=syslog:server=unix:" + syslog + ",nohostname gatehouse",
		"KONG_PROXY_ERROR_LOG=syslog:server=unix:" + syslog + ",nohostname",
	}
	for _, name := range names {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		g.env = append(g.env, prefix+"_SOCKET="+socket, fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, s.Binary, name))
	}
	for name, value := range s.Env {
		g.env = append(g.env, name+"="+value)
	}
	under := []string{s.Binary, "run", "--"}
	if s.Sidecar {
		under = nil
		if err := g.StartSidecar(); err != nil {
			return err
		}
	}
	g.Server, err = Start(ctx, Settings{Dir: g.dir, Config: s.Config, Under: under, Plugins: names, Env: g.env})
	if err != nil {
		g.KillSidecar()
	}
	return err
}

// StartSidecar starts the plugin server, as a container's runtime does, and does not wait for
// it.
func (g *Gatehouse) StartSidecar() error {
	g.sidecar = exec.Command(g.binary, "serve")
	g.sidecar.Env = append(os.Environ(), g.env...)
	g.sidecar.Env = append(g.sidecar.Env, "GATEHOUSE_INSTANCES="+filepath.Join(g.dir, "instances"))
	if err := g.sidecar.Start(); err != nil {
		return fmt.Errorf("start the plugin server: %w", err)
	}
	return nil
}

// KillSidecar ends the plugin server by SIGKILL. Without one it does nothing.
func (g *Gatehouse) KillSidecar() {
	if g.sidecar == nil {
		return
	}
	_ = g.sidecar.Process.Kill()
	_ = g.sidecar.Wait() // by a signal
	g.sidecar = nil
}

// ServerPID is the plugin server that runs now: the sidecar, or what the supervisor started
// last, by its word.
func (g *Gatehouse) ServerPID() (pid int, err error) {
	if g.sidecar != nil {
		return g.sidecar.Process.Pid, nil
	}
	log, err := g.Log()
	if err != nil {
		return 0, err
	}
	return StartedServer(log)
}

// Close ends Kong and the plugin server, and removes the folder.
func (g *Gatehouse) Close() error {
	g.Stop()
	g.KillSidecar()
	return os.RemoveAll(g.dir)
}

// StartedServer is the plugin server that was started last, by the supervisor's word in a log.
func StartedServer(log []byte) (pid int, err error) {
	for line := range bytes.Lines(log) {
		var said struct {
			Message string `json:"msg"`
			PID     int    `json:"pid"`
		}
		if bytes.Contains(line, []byte("the plugin server started")) && json.Unmarshal(line, &said) == nil {
			pid = said.PID
		}
	}
	if pid == 0 {
		return 0, errors.New("find the plugin server: no line tells of its start")
	}
	return pid, nil
}
