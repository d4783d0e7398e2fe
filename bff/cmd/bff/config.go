package main

import (
	"time"

	"github.com/gatehousehq/gatehouse/bff/openapi"
	"github.com/gatehousehq/gatehouse/internal/mtls"
)

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
	kind        kind
	addr        string
	statusAddr  string
	services    map[string]string // base URL by name of service
	budget      time.Duration
	reserve     time.Duration
	maxInFlight int
	coalesce    bool
	hedged      []string // names of services
	drainDelay  time.Duration
	logLevel    string
	tls         mtls.Settings
	cursorKeys  [][]byte // none: a random one
}

// parse reads the environment. Its errors name the variable, its value and the
// fix, a line for each that is wrong.
func parse(k kind, getenv func(string) string) (config, error) {
	cfg := config{kind: k, services: make(map[string]string)}
	if err := readSettings(&cfg, getenv); err != nil {
		return config{}, err
	}
	return cfg, nil
}
