package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// names are the plugins that Kong is told of.
var names = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "gatehouse"}

// kong is a Kong with the plugin server beside it.
type kong struct {
	*kongserver.Server
	dir string
}

// settings are what the instances differ in.
type settings struct {
	config string            // declarative, as YAML
	env    map[string]string // of Kong and of the plugin server
}

// startKong starts an instance in a folder of its own.
func startKong(ctx context.Context, gatehouse, include string, s settings) (*kong, error) {
	if err := kongserver.Missing(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ghb")
	if err != nil {
		return nil, err
	}
	server, err := startIn(ctx, dir, gatehouse, include, s)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &kong{server, dir}, nil
}

func startIn(ctx context.Context, dir, gatehouse, include string, s settings) (*kongserver.Server, error) {
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	socket, syslog := filepath.Join(dir, "gatehouse.sock"), filepath.Join(dir, "syslog.sock")
	env := []string{
		"GATEHOUSE_SOCKET=" + socket, "GATEHOUSE_SYSLOG_SOCKET=" + syslog, "GATEHOUSE_HTTP=" + addrs[0],
		"KONG_NGINX_HTTP_INCLUDE=" + include,
		"KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS=0", "KONG_NGINX_HTTP_KEEPALIVE_REQUESTS=100000000",
		"KONG_PROXY_ACCESS_LOG=syslog:server=unix:" + syslog + ",nohostname gatehouse",
		"KONG_PROXY_ERROR_LOG=syslog:server=unix:" + syslog + ",nohostname",
	}
	for _, name := range names {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, prefix+"_SOCKET="+socket, fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, gatehouse, name))
	}
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	return kongserver.Start(ctx, kongserver.Settings{
		Dir: dir, Config: s.config, Under: []string{gatehouse, "run", "--"}, Plugins: names, Env: env,
	})
}

func (k *kong) close() error {
	k.Stop()
	return os.RemoveAll(k.dir)
}
