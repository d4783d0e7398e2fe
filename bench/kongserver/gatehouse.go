package kongserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// names are the plugins that Kong is told of.
var names = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "gatehouse"}

// Gatehouse is a Kong under `gatehouse run`, with the plugin server beside it.
type Gatehouse struct {
	*Server
	HTTP string // address of the plugin server's metrics

	dir string
}

// GatehouseSettings are what instances differ in.
type GatehouseSettings struct {
	Binary  string            // of gatehouse, see [Build]
	Include string            // files that nginx includes, a path with wildcards
	Config  string            // declarative, as YAML
	Env     map[string]string // of Kong and of the plugin server
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
	env := []string{
		"GATEHOUSE_SOCKET=" + socket, "GATEHOUSE_SYSLOG_SOCKET=" + syslog, "GATEHOUSE_HTTP=" + g.HTTP,
		"KONG_NGINX_HTTP_INCLUDE=" + s.Include,
		"KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS=0", "KONG_NGINX_HTTP_KEEPALIVE_REQUESTS=100000000",
		"KONG_PROXY_ACCESS_LOG=syslog:server=unix:" + syslog + ",nohostname gatehouse",
		"KONG_PROXY_ERROR_LOG=syslog:server=unix:" + syslog + ",nohostname",
	}
	for _, name := range names {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, prefix+"_SOCKET="+socket, fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, s.Binary, name))
	}
	for name, value := range s.Env {
		env = append(env, name+"="+value)
	}
	g.Server, err = Start(ctx, Settings{
		Dir: g.dir, Config: s.Config, Under: []string{s.Binary, "run", "--"}, Plugins: names, Env: env,
	})
	return err
}

// Close ends Kong and removes the folder.
func (g *Gatehouse) Close() error {
	g.Stop()
	return os.RemoveAll(g.dir)
}
