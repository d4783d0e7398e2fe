package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gatehousehq/gatehouse/deploy/kong"
	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/nginxlog"
)

// gateway is the plugin server and a gateway beside it, under `gatehouse run` as in
// the image: the dev gateway, or the Kong on PATH.
func (s *Stack) gateway() part {
	env, command := s.devGateway()
	if s.Kong {
		env, command = s.kong()
	}
	p := &s.Ports
	common := append(s.telemetry("kong"),
		development,
		"GATEHOUSE_SOCKET="+s.socket(),
		"GATEHOUSE_SYSLOG_SOCKET="+s.syslogSocket(),
		p.PluginServer.assignment(),
		"GATEHOUSE_KONG_STATUS="+p.Status.URL()+"/status",
		"GATEHOUSE_EDGE_TLS="+p.ProxyTLS.Addr(),
		// For clients that name no server, such as those of https://127.0.0.1.
		"KONG_SSL_CERT="+s.certs().Cert(devcerts.Edge),
		"KONG_SSL_CERT_KEY="+s.certs().Key(devcerts.Edge),
		"REDIS_URL="+s.redisURL(),
		"KONG_DECLARATIVE_CONFIG="+s.GatewayConfig(),
		"KONG_DNS_HOSTSFILE="+s.hosts(),
		"KONG_NGINX_HTTP_INCLUDE="+s.include(),
		"KONG_NGINX_PROXY_ADD_HEADER="+kong.AddRetryAfter,
		kong.HideTraceID,
		kong.VariablesHash,
		"KONG_ERROR_TEMPLATE_JSON="+s.problem(),
		"KONG_PROXY_ACCESS_LOG="+s.syslogTarget()+" gatehouse",
		"KONG_PROXY_ERROR_LOG="+s.syslogTarget(),
	)
	return part{
		name:   partGateway,
		health: []string{p.PluginServer.URL() + "/readyz", p.Status.URL() + "/status/ready"},
		env:    slices.Concat(common, kong.Compression, env, s.GatewayEnv),
		argv:   append([]string{s.binary("gatehouse"), "run", "--"}, command...),
		// As in the image: SIGTERM would have Kong drop requests and log events.
		stopSignal: syscall.SIGQUIT,
	}
}

// development has keys and certificates be taken that anybody may know.
const development = "GATEHOUSE_ENV=development"

func (s *Stack) devGateway() (env, command []string) {
	p := &s.Ports
	env = []string{p.Proxy.assignment(), p.ProxyTLS.assignment(), p.Admin.assignment(), p.Status.assignment()}
	for _, port := range s.targets() {
		env = append(env, port.assignment()) // for configs that are posted
	}
	return env, []string{s.binary("stack"), "gateway", "-query", s.binary("gatehouse"), "-certs", string(s.certs()), "-issuers", s.issuersOverlay()}
}

// pluginNames are the plugins that Kong is configured with, as in Dockerfile.kong.
var pluginNames = []string{"pii-log-scrub", "trace-inject", "tenant-rate-limit", "sunset-headers", "api-version", "gatehouse"}

// foreground starts Kong's nginx as the official image's entrypoint does, in place
// of `kong start`, which leaves it in the background.
const foreground = `kong prepare -p "$KONG_PREFIX" && exec "${NGINX:-/usr/local/openresty/nginx/sbin/nginx}" -p "$KONG_PREFIX" -c nginx.conf`

// kong is DB-less, in a temporary prefix.
func (s *Stack) kong() (env, command []string) {
	p := &s.Ports
	env = []string{
		"KONG_DATABASE=off",
		"KONG_ANONYMOUS_REPORTS=off",
		"KONG_NGINX_DAEMON=off",
		"KONG_NGINX_WORKER_PROCESSES=2",
		"KONG_PREFIX=" + filepath.Join(s.runDir, "kong"),
		"KONG_PROXY_LISTEN=" + p.Proxy.Addr() + ", " + p.ProxyTLS.Addr() + " http2 ssl",
		"KONG_ADMIN_LISTEN=" + p.Admin.Addr(),
		"KONG_ADMIN_GUI_LISTEN=off",
		"KONG_STATUS_LISTEN=" + p.Status.Addr(),
		"KONG_PLUGINS=bundled," + strings.Join(pluginNames, ","),
		"KONG_PLUGINSERVER_NAMES=" + strings.Join(pluginNames, ","),
	}
	for _, name := range pluginNames {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		env = append(env, prefix+"_SOCKET="+s.socket(), fmt.Sprintf("%s_QUERY_CMD=%s info %s", prefix, s.binary("gatehouse"), name))
	}
	if os.Geteuid() == 0 {
		// Workers of a Kong that root starts run as nobody, who may not use the sockets.
		env = append(env, "KONG_NGINX_USER=root")
	}
	return env, []string{"sh", "-c", foreground}
}

// writeGatewayFiles writes what a gateway on this machine needs beside its
// environment: the declarative config with this stack's ports, a hosts file, and what
// nginx includes.
func (s *Stack) writeGatewayFiles() error {
	if _, err := s.writeConfig(); err != nil {
		return err
	}
	include := kongrequest.Include() + nginxlog.Include() + kong.RetryAfter + kong.Sunset
	if err := os.WriteFile(s.include(), []byte(include), 0o644); err != nil {
		return fmt.Errorf("write nginx include: %w", err)
	}
	if err := os.WriteFile(s.problem(), []byte(kong.Problem), 0o644); err != nil {
		return fmt.Errorf("write error template: %w", err)
	}
	return writeHosts(s.hosts(), s.targets())
}

// BaseConfig is the path of the declarative config with this stack's ports and certificates.
func (s *Stack) BaseConfig() string { return filepath.Join(s.runDir, "base.yaml") }

// GatewayConfig is the path of the declarative config that the gateway started with:
// KongConfig with this stack's ports and certificates, and the issuers' keys.
func (s *Stack) GatewayConfig() string { return filepath.Join(s.runDir, "kong.yaml") }

func (s *Stack) include() string      { return filepath.Join(s.runDir, "gatehouse.conf") }
func (s *Stack) problem() string      { return filepath.Join(s.runDir, "problem.json") }
func (s *Stack) hosts() string        { return filepath.Join(s.runDir, "hosts") }
func (s *Stack) socket() string       { return filepath.Join(s.runDir, "gatehouse.sock") }
func (s *Stack) syslogSocket() string { return filepath.Join(s.runDir, "syslog.sock") }

// syslogTarget is an nginx log destination: the plugin server, which scrubs.
func (s *Stack) syslogTarget() string {
	return "syslog:server=unix:" + s.syslogSocket() + ",nohostname"
}
