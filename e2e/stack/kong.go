package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pluginNames are the plugins that Kong is told of, as Dockerfile.kong does.
var pluginNames = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers"}

// foreground starts Kong's nginx as the official image's entrypoint does, in place
// of `kong start`, which leaves it in the background.
const foreground = `kong prepare -p "$KONG_PREFIX" && exec "${NGINX:-/usr/local/openresty/nginx/sbin/nginx}" -p "$KONG_PREFIX" -c nginx.conf`

// kong is a Kong from PATH, DB-less in a temporary prefix, with the plugin server
// beside it as in the image.
func (s *Stack) kong() part {
	p := &s.Ports
	env := append(s.telemetry("kong"),
		"GATEHOUSE_SOCKET="+s.socket(),
		"GATEHOUSE_SYSLOG_SOCKET="+s.syslogSocket(),
		p.PluginServer.assignment(),
		"REDIS_URL="+s.redisURL(),
		"KONG_DATABASE=off",
		"KONG_ANONYMOUS_REPORTS=off",
		"KONG_NGINX_DAEMON=off",
		"KONG_NGINX_WORKER_PROCESSES=2",
		"KONG_PREFIX="+filepath.Join(s.runDir, "kong"),
		"KONG_DECLARATIVE_CONFIG="+s.config,
		"KONG_DNS_HOSTSFILE="+s.hosts(),
		"KONG_RESOLVER_HOSTS_FILE="+s.hosts(),
		"KONG_PROXY_LISTEN="+p.Proxy.Addr(),
		"KONG_ADMIN_LISTEN="+p.Admin.Addr(),
		"KONG_ADMIN_GUI_LISTEN=off",
		"KONG_STATUS_LISTEN="+p.Status.Addr(),
		"KONG_PROXY_ACCESS_LOG="+s.syslogTarget(),
		"KONG_PROXY_ERROR_LOG="+s.syslogTarget(),
		"KONG_PLUGINS=bundled,"+strings.Join(pluginNames, ","),
		"KONG_PLUGINSERVER_NAMES="+strings.Join(pluginNames, ","),
	)
	for _, name := range pluginNames {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, prefix+"_SOCKET="+s.socket(), fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, s.binary("gatehouse"), name))
	}
	if os.Geteuid() == 0 {
		// Workers of a Kong that root starts run as nobody, who may not use the sockets.
		env = append(env, "KONG_NGINX_USER=root")
	}
	return part{
		name:   partGateway,
		health: p.Status.URL() + "/status/ready",
		env:    env,
		argv:   []string{s.binary("gatehouse"), "run", "--", "sh", "-c", foreground},
	}
}
