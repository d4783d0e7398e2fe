package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/openapi"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/mtls"
)

var usage = `usage: bff web|mobile
       bff health URL

Settings, all from the environment:
  WEB_BFF_PORT, MOBILE_BFF_PORT  port on 127.0.0.1 (8081, 8082)
  BFF_ADDR                       host:port to listen on instead, such as :8081 in a container
  WEB_BFF_STATUS_PORT, MOBILE_BFF_STATUS_PORT
                                 port on 127.0.0.1 for health, metrics and the contract (/docs, /openapi.yaml),
                                 plain HTTP (8181, 8182)
  BFF_STATUS_ADDR                host:port to listen on instead
  ORDERS_URL                     base URL of the orders service (https://127.0.0.1:9101)
  USERS_URL                      of the users service (https://127.0.0.1:9102)
  BILLING_URL                    of the billing service (https://127.0.0.1:9103)
  NOTIFICATIONS_URL              of the notifications service (https://127.0.0.1:9104)
  BFF_BUDGET_MS                  time that a page may take, in milliseconds, 50 to 30000 (1500)
  BFF_DRAIN_DELAY_MS             time between /readyz failing and the port closing when told to stop,
                                 for load balancers to notice, in milliseconds, 0 to 60000 (0)
  BFF_CURSOR_KEYS                keys that seal the mobile BFF's cursors, the same in each of its processes: base64
                                 of 32 bytes, with commas between several. The first seals, all open.
                                 "random" is one for this process only. No default
  BFF_LOG_LEVEL                  debug, info, warn or error (info)
` + mtls.Usage("BFF_TLS") + `  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, ...
                                 where traces go; without an endpoint none are made
`

// errUsage is a command line that names no BFF.
var errUsage = errors.New("usage")

// kind is which BFF a process is, and what differs by it.
type kind struct {
	name              string
	portVar           string
	defaultPort       string
	statusPortVar     string
	defaultStatusPort string
	contract          []byte
	lists             bool // it has pages with cursors
}

var kinds = map[string]kind{
	"web":    {"web", "WEB_BFF_PORT", "8081", "WEB_BFF_STATUS_PORT", "8181", openapi.Web, false},
	"mobile": {"mobile", "MOBILE_BFF_PORT", "8082", "MOBILE_BFF_STATUS_PORT", "8182", openapi.Mobile, true},
}

// config is what the environment says, checked.
type config struct {
	kind       kind
	addr       string
	statusAddr string
	services   map[string]string // base URL by name of service
	budget     time.Duration
	drainDelay time.Duration
	logLevel   string
	tls        mtls.Settings
	cursorKeys [][]byte // none: a random one
}

// parse reads args and the environment. Its errors name the variable, its value
// and the fix; it returns the first.
func parse(args []string, getenv func(string) string) (config, error) {
	if len(args) != 1 || kinds[args[0]].name == "" {
		return config{}, errUsage
	}
	cfg := config{kind: kinds[args[0]]}
	var err error
	if cfg.addr, err = parseAddr("BFF_ADDR", cfg.kind.portVar, cfg.kind.defaultPort, getenv); err != nil {
		return config{}, err
	}
	if cfg.statusAddr, err = parseAddr("BFF_STATUS_ADDR", cfg.kind.statusPortVar, cfg.kind.defaultStatusPort, getenv); err != nil {
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
	if cfg.cursorKeys, err = parseCursorKeys(cfg.kind, getenv); err != nil {
		return config{}, err
	}
	cfg.tls, err = mtls.Parse("BFF_TLS", getenv)
	return cfg, err
}

// randomKey asks for a key that no other process has.
const randomKey = "random"

func parseCursorKeys(k kind, getenv func(string) string) ([][]byte, error) {
	text := getenv("BFF_CURSOR_KEYS")
	if !k.lists || text == randomKey {
		return nil, nil
	}
	if text == "" {
		return nil, fmt.Errorf("BFF_CURSOR_KEYS is not set: set it to what `openssl rand -base64 32` prints, "+
			"the same in every %s BFF, or to %s where one process serves all", k.name, randomKey)
	}
	keys, err := cursor.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("BFF_CURSOR_KEYS: %w", err)
	}
	return keys, nil
}

func parseAddr(addrVar, portVar, defaultPort string, getenv func(string) string) (string, error) {
	if addr := getenv(addrVar); addr != "" {
		_, port, err := net.SplitHostPort(addr)
		if err != nil || !isPort(port) {
			return "", fmt.Errorf("%s is %q: write it as host:port or :port, such as 127.0.0.1:%s", addrVar, addr, defaultPort)
		}
		return addr, nil
	}
	port := or(getenv(portVar), defaultPort)
	if !isPort(port) {
		return "", fmt.Errorf("%s is %q: set it to a port, 0 to 65535, such as %s", portVar, port, defaultPort)
	}
	return net.JoinHostPort("127.0.0.1", port), nil
}

func parseServices(getenv func(string) string) (map[string]string, error) {
	services := make(map[string]string)
	for _, s := range []struct{ name, variable, fallback string }{
		{"orders", "ORDERS_URL", "https://127.0.0.1:9101"},
		{"users", "USERS_URL", "https://127.0.0.1:9102"},
		{"billing", "BILLING_URL", "https://127.0.0.1:9103"},
		{"notifications", "NOTIFICATIONS_URL", "https://127.0.0.1:9104"},
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
