package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/bff/upstream"
)

const usage = `usage: bff web|mobile
       bff health URL

Settings, all from the environment:
  WEB_BFF_PORT, MOBILE_BFF_PORT  port on 127.0.0.1 (8081, 8082)
  BFF_ADDR                       host:port to listen on instead, such as :8081 in a container
  ORDERS_URL                     base URL of the orders service (http://127.0.0.1:9101)
  USERS_URL                      of the users service (http://127.0.0.1:9102)
  BILLING_URL                    of the billing service (http://127.0.0.1:9103)
  NOTIFICATIONS_URL              of the notifications service (http://127.0.0.1:9104)
  BFF_BUDGET_MS                  time that a page may take, in milliseconds, 50 to 30000 (1500)
  BFF_DRAIN_DELAY_MS             time between /readyz failing and the port closing when told to stop,
                                 for load balancers to notice, in milliseconds, 0 to 60000 (0)
  BFF_LOG_LEVEL                  debug, info, warn or error (info)
  BFF_TLS_CERT_FILE, BFF_TLS_KEY_FILE, BFF_TLS_CLIENT_CA_FILE
                                 PEM files, all three or none: serve TLS, and pages only to a peer
                                 whose certificate that CA signed, which is to be the gateway
  BFF_TLS_CLIENT_NAME            DNS name that the peer's certificate must have, too
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, ...
                                 where traces go; without an endpoint none are made
`

// errUsage is a command line that names no BFF.
var errUsage = errors.New("usage")

// kind is which BFF a process is, and what differs by it.
type kind struct {
	name        string
	portVar     string
	defaultPort string
}

var kinds = map[string]kind{
	"web":    {name: "web", portVar: "WEB_BFF_PORT", defaultPort: "8081"},
	"mobile": {name: "mobile", portVar: "MOBILE_BFF_PORT", defaultPort: "8082"},
}

// config is what the environment says, checked.
type config struct {
	kind       kind
	addr       string
	services   map[string]string // base URL by name of service
	budget     time.Duration
	drainDelay time.Duration
	logLevel   string
	tls        tlsFiles
}

// tlsFiles names the files for mutual TLS; the zero value means plain HTTP.
type tlsFiles struct {
	cert, key, clientCA string
	clientName          string
}

func (f tlsFiles) enabled() bool { return f.cert != "" }

// parse reads args and the environment. Its errors name the variable, its value
// and the fix; it returns the first.
func parse(args []string, getenv func(string) string) (config, error) {
	if len(args) != 1 || kinds[args[0]].name == "" {
		return config{}, errUsage
	}
	cfg := config{kind: kinds[args[0]]}
	var err error
	if cfg.addr, err = parseAddr(cfg.kind, getenv); err != nil {
		return config{}, err
	}
	if cfg.services, err = parseServices(getenv); err != nil {
		return config{}, err
	}
	if cfg.budget, err = parseMillis(getenv, "BFF_BUDGET_MS", 50, 30_000, 1500); err != nil {
		return config{}, err
	}
	if cfg.drainDelay, err = parseMillis(getenv, "BFF_DRAIN_DELAY_MS", 0, 60_000, 0); err != nil {
		return config{}, err
	}
	if cfg.logLevel, err = parseLevel(getenv); err != nil {
		return config{}, err
	}
	cfg.tls, err = parseTLS(getenv)
	return cfg, err
}

func parseAddr(k kind, getenv func(string) string) (string, error) {
	if addr := getenv("BFF_ADDR"); addr != "" {
		_, port, err := net.SplitHostPort(addr)
		if err != nil || !isPort(port) {
			return "", fmt.Errorf("BFF_ADDR is %q: write it as host:port or :port, such as 127.0.0.1:%s", addr, k.defaultPort)
		}
		return addr, nil
	}
	port := or(getenv(k.portVar), k.defaultPort)
	if !isPort(port) {
		return "", fmt.Errorf("%s is %q: set it to a port, 0 to 65535, such as %s", k.portVar, port, k.defaultPort)
	}
	return net.JoinHostPort("127.0.0.1", port), nil
}

func parseServices(getenv func(string) string) (map[string]string, error) {
	services := make(map[string]string)
	for _, s := range []struct{ name, variable, fallback string }{
		{"orders", "ORDERS_URL", "http://127.0.0.1:9101"},
		{"users", "USERS_URL", "http://127.0.0.1:9102"},
		{"billing", "BILLING_URL", "http://127.0.0.1:9103"},
		{"notifications", "NOTIFICATIONS_URL", "http://127.0.0.1:9104"},
	} {
		base := or(getenv(s.variable), s.fallback)
		if err := upstream.CheckURL(base); err != nil {
			return nil, fmt.Errorf("%s: %w", s.variable, err)
		}
		services[s.name] = base
	}
	return services, nil
}

func parseMillis(getenv func(string) string, variable string, low, high, fallback int) (time.Duration, error) {
	ms := fallback
	if text := getenv(variable); text != "" {
		var err error
		if ms, err = strconv.Atoi(text); err != nil || ms < low || ms > high {
			return 0, fmt.Errorf("%s is %q: set it to whole milliseconds, %d to %d, such as %d", variable, text, low, high, fallback)
		}
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func parseLevel(getenv func(string) string) (string, error) {
	level := or(getenv("BFF_LOG_LEVEL"), "info")
	switch level {
	case "debug", "info", "warn", "error":
		return level, nil
	}
	return "", fmt.Errorf("BFF_LOG_LEVEL is %q: set it to debug, info, warn or error", level)
}

func parseTLS(getenv func(string) string) (tlsFiles, error) {
	f := tlsFiles{
		cert: getenv("BFF_TLS_CERT_FILE"), key: getenv("BFF_TLS_KEY_FILE"), clientCA: getenv("BFF_TLS_CLIENT_CA_FILE"),
		clientName: getenv("BFF_TLS_CLIENT_NAME"),
	}
	files := [...]struct{ name, value string }{
		{"BFF_TLS_CERT_FILE", f.cert}, {"BFF_TLS_KEY_FILE", f.key}, {"BFF_TLS_CLIENT_CA_FILE", f.clientCA},
	}
	any := f.cert != "" || f.key != "" || f.clientCA != "" || f.clientName != ""
	for _, file := range files {
		if any && file.value == "" {
			return tlsFiles{}, fmt.Errorf("%s is empty: set BFF_TLS_CERT_FILE, BFF_TLS_KEY_FILE and BFF_TLS_CLIENT_CA_FILE, or no BFF_TLS_ variable", file.name)
		}
	}
	return f, nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
