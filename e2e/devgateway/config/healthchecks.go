package config

import (
	"crypto/tls"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Upstream is a name for targets that are all the same to a client.
type Upstream struct {
	Name         string       `json:"name"`
	Healthchecks Healthchecks `json:"healthchecks"`
	Targets      []*Target    `json:"-"`

	ClientCertificate *tls.Certificate `json:"-"` // for active checks; may be nil
}

// Healthchecks say when a target is taken out and when it comes back.
type Healthchecks struct {
	Active struct {
		Type      string    `json:"type"`
		Path      string    `json:"http_path"`
		SNI       string    `json:"https_sni"`
		Verify    bool      `json:"https_verify_certificate"` // by the system's CAs
		Timeout   Seconds   `json:"timeout"`
		Healthy   Healthy   `json:"healthy"`
		Unhealthy Unhealthy `json:"unhealthy"`
	} `json:"active"`
	Passive struct {
		Healthy   Healthy   `json:"healthy"`
		Unhealthy Unhealthy `json:"unhealthy"`
	} `json:"passive"`
}

// Healthy is what speaks for a target. 0 turns a count or an interval off.
type Healthy struct {
	Interval  Seconds  `json:"interval"`
	Successes int      `json:"successes"`
	Statuses  Statuses `json:"http_statuses"`
}

// Unhealthy is what speaks against a target. 0 turns a count or an interval off.
type Unhealthy struct {
	Interval     Seconds  `json:"interval"`
	TCPFailures  int      `json:"tcp_failures"`
	Timeouts     int      `json:"timeouts"`
	HTTPFailures int      `json:"http_failures"`
	Statuses     Statuses `json:"http_statuses"`
}

// Seconds may have a fraction.
type Seconds float64

// Duration is the same as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Statuses are HTTP statuses.
type Statuses []int

// Has reports whether a status is one of them.
func (s Statuses) Has(status int) bool { return slices.Contains(s, status) }

// healthchecks has Kong's defaults, with which nothing is checked.
func healthchecks() *schema.Field {
	return refuse(defaults(
		with("active", refuse(defaults(
			with("type", checkType()),
			with("https_sni", name()),
			with("https_verify_certificate", &schema.Field{Type: "boolean", Default: true}),
			with("timeout", seconds(1)),
			with("http_path", defaulted(path(), "/")),
			with("healthy", defaults(
				with("interval", seconds(0)),
				with("successes", count()),
				with("http_statuses", statuses(200, 302)),
			)),
			with("unhealthy", unhealthy(statuses(429, 404, 500, 501, 502, 503, 504, 505), with("interval", seconds(0)))),
		), "concurrency", "headers")),
		with("passive", defaults(
			with("type", only("http")),
			with("healthy", defaults(
				with("successes", count()),
				with("http_statuses", statuses(200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
					300, 301, 302, 303, 304, 305, 306, 307, 308)),
			)),
			with("unhealthy", unhealthy(statuses(429, 500, 503))),
		)),
	), "threshold")
}

func unhealthy(bad *schema.Field, more ...schema.Named) *schema.Field {
	return defaults(append(more,
		with("tcp_failures", count()),
		with("timeouts", count()),
		with("http_failures", count()),
		with("http_statuses", bad),
	)...)
}

// defaults is a record that has its fields' defaults where it is absent.
func defaults(fields ...schema.Named) *schema.Field {
	return defaulted(record(fields...), map[string]any{})
}

func defaulted(f *schema.Field, value any) *schema.Field {
	f.Default = value
	return f
}

func checkType() *schema.Field {
	return &schema.Field{Type: "string", Default: "http", Check: httpOnly}
}

func seconds(value float64) *schema.Field {
	return &schema.Field{Type: "number", Default: value, Between: []float64{0, 65535}}
}

func count() *schema.Field { return integer(0, 0, 255) }

func statuses(values ...float64) *schema.Field {
	f := list(&schema.Field{Type: "integer", Between: []float64{100, 999}})
	given := make([]any, len(values))
	for i, v := range values {
		given[i] = v
	}
	return defaulted(f, given)
}
