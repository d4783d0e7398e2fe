package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/bff/cursor"
	"github.com/gatehousehq/gatehouse/bff/upstream"
	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/gogc"
	"github.com/gatehousehq/gatehouse/internal/mtls"
)

// setting is a variable of the environment.
type setting struct {
	name     string
	fallback string // what it is where it is not set; "" is nothing
	unit     string // what a value is
	meaning  string
	// read puts value, which is not empty unless fallback is, into c. Its error says what to
	// set the variable to. A setting that others read, and check, has none.
	read func(c *config, value string) error
}

// settings are those of one BFF, in the order of its help.
func settings(k kind) []setting {
	list := []setting{
		portSetting(k.portVar, k.defaultPort, "to listen on, on 127.0.0.1", func(c *config) *string { return &c.addr }),
		addressSetting("BFF_ADDR", k.defaultPort, "to listen on in place of that, such as :"+k.defaultPort+" in a container", func(c *config) *string { return &c.addr }),
		portSetting(k.statusPortVar, k.defaultStatusPort, "for health, metrics and the contract (/docs, /openapi.yaml), on 127.0.0.1, plain HTTP",
			func(c *config) *string { return &c.statusAddr }),
		addressSetting("BFF_STATUS_ADDR", k.defaultStatusPort, "to listen on for these in place of that", func(c *config) *string { return &c.statusAddr }),
		serviceSetting("orders", "ORDERS_URL", "https://127.0.0.1:9101"),
		serviceSetting("users", "USERS_URL", "https://127.0.0.1:9102"),
		serviceSetting("billing", "BILLING_URL", "https://127.0.0.1:9103"),
		serviceSetting("notifications", "NOTIFICATIONS_URL", "https://127.0.0.1:9104"),
		millis("BFF_BUDGET_MS", 1500, 50, 30_000, "time that a page may take for its services: at most, and where the gateway does not say how long the client waits",
			func(c *config) *time.Duration { return &c.budget }),
		millis("BFF_RESERVE_MS", 100, 0, 5000, "time of what the client waits (Request-Timeout) that services do not get",
			func(c *config) *time.Duration { return &c.reserve }),
		number("BFF_MAX_IN_FLIGHT", "requests", 256, 1, 100_000, "that may be served at once; those beyond are refused with a 503",
			func(c *config) *int { return &c.maxInFlight }),
		{"BFF_COALESCE", "off", "on or off", "whether identical calls of a service that are under way for one principal share a request", readCoalesce},
		{"BFF_HEDGE", "", "names of services", "whose late calls get a second request, with commas between them: " + strings.Join(serviceNames, ", "), readHedge},
		millis("BFF_DRAIN_DELAY_MS", 0, 0, 60_000, "time between /readyz failing and the port closing when told to stop, for load balancers to notice",
			func(c *config) *time.Duration { return &c.drainDelay }),
		{"BFF_LOG_LEVEL", "info", "debug, info, warn or error", "the least important lines that are logged", readLevel},
	}
	if k.lists {
		list = append(list, setting{"BFF_CURSOR_KEYS", "", "base64 of 32 bytes",
			"keys that seal cursors, the same in each process, with commas between several: the first seals, all open. " + randomKey + " is one for this process only. It has to be set",
			readCursorKeys})
	}
	for _, v := range mtls.Variables("BFF_TLS") {
		list = append(list, setting{name: v.Name, unit: v.Unit, meaning: v.Meaning})
	}
	return append(list,
		setting{name: "OTEL_EXPORTER_OTLP_ENDPOINT", unit: "URL", meaning: "of the collector that spans go to; without one (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_TRACES_EXPORTER) none are made. docs/tracing.md has the other variables"},
		setting{name: "OTEL_SERVICE_NAME", fallback: k.name + "-bff", unit: "text", meaning: "service.name of spans; other attributes of their resource are in OTEL_RESOURCE_ATTRIBUTES"},
		setting{name: "OTEL_TRACES_SAMPLER", fallback: "parentbased_always_on", unit: "name", meaning: "what decides for requests without a trace, with OTEL_TRACES_SAMPLER_ARG"},
		setting{"GOGC", strconv.Itoa(gcPercent), "percent, or off", "of what is live, by which the heap may grow before it is collected",
			func(_ *config, value string) error { return gogc.Check(value) }},
		setting{name: "GOMEMLIMIT", unit: "bytes, such as 230MiB", meaning: "that bound all memory, for a container of some more; without it nothing does. Go reads it before all else and ends the process with 2 if it cannot: GOMEMLIMIT=230MB"},
	)
}

// serviceNames are those of the services that BFFs call.
var serviceNames = []string{"orders", "users", "billing", "notifications"}

// readSettings reads all settings of c's kind. Its error has all that is wrong, a line
// for each.
func readSettings(c *config, getenv func(string) string) error {
	var wrong []error
	for _, s := range settings(c.kind) {
		value := or(getenv(s.name), s.fallback)
		if s.read == nil {
			continue
		}
		if err := s.read(c, value); err != nil {
			wrong = append(wrong, err)
		}
	}
	var err error
	if c.tls, err = mtls.Parse("BFF_TLS", getenv); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// writeHelp lists the settings of a BFF.
func writeHelp(w io.Writer, k kind) {
	_, _ = fmt.Fprintln(w, cli.Wrapped(0, "Serve the "+k.name+" BFF's pages until it is told to stop (SIGTERM). Settings, all from the environment, with [units] and defaults:"))
	for _, s := range settings(k) {
		_, _ = fmt.Fprintf(w, "\n  %s=%s  [%s]\n%s\n", s.name, s.fallback, s.unit, cli.Wrapped(6, s.meaning))
	}
}

func portSetting(name, fallback, meaning string, field func(*config) *string) setting {
	return setting{name, fallback, "port", meaning, func(c *config, value string) error {
		if !isPort(value) {
			return fmt.Errorf("%s is %q: set it to a port, 0 to 65535, such as %s", name, value, fallback)
		}
		*field(c) = net.JoinHostPort("127.0.0.1", value)
		return nil
	}}
}

func addressSetting(name, port, meaning string, field func(*config) *string) setting {
	return setting{name, "", "host:port", meaning, func(c *config, value string) error {
		if value == "" {
			return nil
		}
		_, p, err := net.SplitHostPort(value)
		if err != nil || !isPort(p) {
			return fmt.Errorf("%s is %q: write it as host:port or :port, such as 127.0.0.1:%s", name, value, port)
		}
		*field(c) = value
		return nil
	}}
}

func serviceSetting(name, variable, fallback string) setting {
	return setting{variable, fallback, "URL", "of the " + name + " service; the contract's paths go behind it", func(c *config, value string) error {
		if err := upstream.CheckURL(value); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		c.services[name] = value
		return nil
	}}
}

func number(name, unit string, fallback, low, high int, meaning string, field func(*config) *int) setting {
	bounds := fmt.Sprintf("%s, %d to %d", unit, low, high)
	return setting{name, strconv.Itoa(fallback), bounds, meaning, func(c *config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%s is %q: set it to whole %s, such as %d", name, value, bounds, fallback)
		}
		*field(c) = n
		return nil
	}}
}

func millis(name string, fallback, low, high int, meaning string, field func(*config) *time.Duration) setting {
	var ms int
	s := number(name, "milliseconds", fallback, low, high, meaning, func(*config) *int { return &ms })
	read := s.read
	s.read = func(c *config, value string) error {
		err := read(c, value)
		*field(c) = time.Duration(ms) * time.Millisecond
		return err
	}
	return s
}

func readCoalesce(c *config, value string) error {
	if value != "on" && value != "off" {
		return fmt.Errorf("BFF_COALESCE is %q: set it to on or off", value)
	}
	c.coalesce = value == "on"
	return nil
}

func readHedge(c *config, value string) error {
	if value == "" {
		return nil
	}
	for name := range strings.SplitSeq(value, ",") {
		if !slices.Contains(serviceNames, name) {
			return fmt.Errorf("BFF_HEDGE has %q: write names of services, with commas between them: %s", name, strings.Join(serviceNames, ","))
		}
		c.hedged = append(c.hedged, name)
	}
	return nil
}

func readLevel(c *config, value string) error {
	switch value {
	case "debug", "info", "warn", "error":
		c.logLevel = value
		return nil
	}
	return fmt.Errorf("BFF_LOG_LEVEL is %q: set it to debug, info, warn or error", value)
}

// randomKey asks for a key that no other process has.
const randomKey = "random"

func readCursorKeys(c *config, value string) (err error) {
	switch value {
	case randomKey:
		return nil
	case "":
		return fmt.Errorf("BFF_CURSOR_KEYS is not set: set it to what `openssl rand -base64 32` prints, "+
			"the same in every %s BFF, or to %s where one process serves all", c.kind.name, randomKey)
	}
	if c.cursorKeys, err = cursor.ParseKeys(value); err != nil {
		return fmt.Errorf("BFF_CURSOR_KEYS: %w", err)
	}
	return nil
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
